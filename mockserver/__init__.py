"""A mock LLM provider: canned answers, SSE streams and error codes, as three vendors really send them.

`docs/architecture.md` has the map of the packages, the walk of one request and the glossary.
"""

__version__ = "0.1.0"
