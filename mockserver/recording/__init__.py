"""Fixtures written from recorded requests: what distinguishes a request, and what its answer says."""
