"""The exchange: a request to a vendor and the answer that it received. Whatever is written to disk begins as one."""

from __future__ import annotations

from dataclasses import dataclass

from mockserver.recording.fixture_writer import NoFixtureError
from mockserver.request.chat_request import ChatRequest, build_chat_request
from mockserver.request.request_head import read_head, route_head
from mockserver.vendors.routing import VendorRouter
from mockserver.wire.answer import Answer, Header


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request to a vendor, and its answer.

    `path` is the vendor's own, without a prefix, and `query` has no `?`. Both bodies are without content codings. The
    waits of the answer and of its frames are the measured ones; an answer from a file has one frame without a wait.
    An event stream is a `streamed` answer; its frames need not be single events.
    """

    vendor: str  # the name of its profile
    method: str
    path: str
    query: str
    headers: tuple[Header, ...]  # of the request, their names in lower case
    body: bytes
    answer: Answer


def build_exchange_request(exchange: Exchange, router: VendorRouter) -> ChatRequest:
    """Build the request of an exchange. Raises NoFixtureError if no fixture can answer it."""
    scope = {
        "type": "http",
        "method": exchange.method,
        "path": f"/{exchange.vendor}{exchange.path}",
        "query_string": exchange.query.encode("latin-1", "replace"),
        "headers": [
            (name.encode("latin-1", "replace"), value.encode("latin-1", "replace"))
            for name, value in exchange.headers
        ],
    }
    routed_head = route_head(read_head(scope), router)
    if (
        routed_head is None
        or routed_head.vendor.name != exchange.vendor
        or not routed_head.route.is_completion
    ):
        raise NoFixtureError(
            f"{exchange.method} {exchange.path} of {exchange.vendor} is not for a completion"
        )
    request = build_chat_request(routed_head, exchange.body)
    if request.route.is_job:
        raise NoFixtureError("the request submitted a job, whose answer is not its result")
    if request.parsed.error:
        raise NoFixtureError("the body of the request is no JSON object")
    return request
