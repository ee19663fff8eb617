"""Requests for embeddings: their inputs, and the vectors of texts and of token lists."""
