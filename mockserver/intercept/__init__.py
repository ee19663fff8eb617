"""Calls to the vendors' own hosts, answered by this server: proxy, certificates, and the program that calls."""
