"""Generated replies for requests that no fixture matches."""
