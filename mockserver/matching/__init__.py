"""The loaded fixtures, and which of them matches a request."""
