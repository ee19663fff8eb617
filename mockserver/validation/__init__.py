"""The checks that refuse a request, and the errors they raise."""
