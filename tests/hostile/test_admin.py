"""The admin API against a hostile client: names, pages, bodies and waits that must not get through or cost much."""

from __future__ import annotations

import http.client

import pytest

from mockserver.testing import MockServer
from tests.conftest import StartServer

FIXTURES = "fixtures: [{name: hello, match: {}, response: Hello.}]"


@pytest.fixture(scope="module")
def running(start_server: StartServer) -> MockServer:
    return start_server(FIXTURES, allowed_hosts=("mock.example",))


def request_status(server: MockServer, path: str, method: str = "GET", **headers: str) -> int:
    """Send a request with exactly these headers; return its status."""
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=20)
    connection.putrequest(method, path, skip_host=True)
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    status = connection.getresponse().status
    connection.close()
    return status


# --- who may


@pytest.mark.parametrize(
    "path", ["/_mock", "/_mock/requests", "/_mock/nothing", "/metrics", "/", "/_mock/page/x.js"]
)
def test_a_rebound_public_name_reaches_neither_admin_api_nor_web_ui(running: MockServer, path: str) -> None:
    assert request_status(running, path, Host="rebound.evil.example:8402") == 403
    assert request_status(running, path, Host="mock.example") in (200, 404)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/aimlapi/v1/models"])
def test_probes_and_vendors_are_served_under_every_name(running: MockServer, path: str) -> None:
    headers = {"Host": "rebound.example", "Authorization": "Bearer k", "Sec_Fetch_Site": "cross-site"}
    assert request_status(running, path, **headers) == 200


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/_mock/requests"), ("POST", "/_mock/reset"), ("DELETE", "/_mock/fixtures")]
)
def test_pages_of_other_sites_neither_read_nor_change(running: MockServer, method: str, path: str) -> None:
    assert request_status(running, path, method, Host="127.0.0.1", Sec_Fetch_Site="cross-site") == 403
    assert request_status(running, path, method, Host="127.0.0.1", Sec_Fetch_Site="same-origin") == 200
