"""Masking of personal data and secrets in what is written to disk, and in the requests that are compared with it."""
