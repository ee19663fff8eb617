"""The web UI: its static files and how they are served."""
