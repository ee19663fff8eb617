"""The request builder, for the tests of this folder."""

from tests.request_fixtures import asked

__all__ = ["asked"]
