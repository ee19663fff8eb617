"""The heads that a proxy receives."""

from __future__ import annotations

import pytest

from mockserver.intercept.proxy_request import ProxyError, parse_proxy_request


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("API.Vendor.example.:443", ("api.vendor.example", 443, "api.vendor.example:443")),
        ("[::1]:8402", ("::1", 8402, "[::1]:8402")),
    ],
)
def test_connect_names_a_host_and_a_port(target: str, expected: tuple[str, int, str]) -> None:
    request = parse_proxy_request(f"CONNECT {target} HTTP/1.1\r\nHost: other\r\n\r\nrest".encode())

    assert (request.host, request.port, request.authority) == expected
    assert (request.head, request.rest) == (b"", b"rest")


def test_an_absolute_url_becomes_a_path_and_a_host_of_its_own() -> None:
    request = parse_proxy_request(
        b"POST http://user:secret@Vendor.example:81/v1?a=%20b#c HTTP/1.1\r\nHost: other.example\r\nAccept: */*\r\n"
        b"Proxy-Connection: keep-alive\r\nProxy-Authorization: Basic eA==\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    )

    assert (request.host, request.port, request.rest) == ("vendor.example", 81, b"0\r\n\r\n")
    assert request.head == (
        b"POST /v1?a=%20b HTTP/1.1\r\nHost: Vendor.example:81\r\nConnection: close\r\nAccept: */*\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n"
    )


def test_an_absolute_url_may_have_no_path_and_no_port() -> None:
    request = parse_proxy_request(b"OPTIONS http://vendor.example HTTP/1.0\r\n\r\n")

    assert (request.port, request.head[:23]) == (80, b"OPTIONS / HTTP/1.1\r\nHos")


@pytest.mark.parametrize(
    "line",
    [
        "GET / HTTP/1.1",
        "GET https://vendor.example/ HTTP/1.1",
        "GET http:///path HTTP/1.1",
        "GET http://vendor.example:0/ HTTP/1.1",
        "GET http://vendor.example:70000/ HTTP/1.1",
        "GET http://vendor.example/ HTTP/2",
        "CONNECT vendor.example HTTP/1.1",
        "CONNECT vendor.example:0 HTTP/1.1",
        "CONNECT vendor.example:65536 HTTP/1.1",
        "CONNECT http://vendor.example:443 HTTP/1.1",
        "PRI * HTTP/2.0",
        "",
    ],
)
def test_other_request_lines_are_refused(line: str) -> None:
    with pytest.raises(ProxyError) as raised:
        parse_proxy_request(f"{line}\r\n\r\n".encode())
    assert raised.value.status == 400
