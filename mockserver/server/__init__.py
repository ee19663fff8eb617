"""The running server: application, uvicorn, access log and demo traffic."""
