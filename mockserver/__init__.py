"""A mock LLM provider: canned answers, SSE streams and error codes, as three vendors really send them."""

__version__ = "0.1.0"
