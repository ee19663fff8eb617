"""Calls to the vendors' own hosts, answered by this server: the certificates that make it possible."""
