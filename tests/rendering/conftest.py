"""The request builder, for the tests of this folder."""

from tests.request_fixtures import read_request

__all__ = ["read_request"]
