"""How the server runs: application, uvicorn, access log and demo traffic."""
