"""Rendering of responses as a body or as the chunks of a stream."""
