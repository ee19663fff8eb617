"""The Python client of a running server: sessions, assertions and recorded requests."""
