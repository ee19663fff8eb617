"""The variables that lead a program to the proxy."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockserver.intercept.command_environment import create_environment, list_certificate_files

HOSTS = ("api.vendor.example",)


def make(base: dict[str, str]) -> dict[str, str]:
    return create_environment(base, "http://127.0.0.1:1", Path("trusted.pem"), HOSTS)


def test_the_variables_of_proxies_are_set_in_both_cases_and_others_kept() -> None:
    environment = make({"PATH": "/bin", "https_proxy": "http://before:1", "SSL_CERT_FILE": "before.pem"})

    assert environment == {
        "PATH": "/bin",
        **dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"), "http://127.0.0.1:1"),
        **dict.fromkeys(("NO_PROXY", "no_proxy"), "localhost,127.0.0.1,::1"),
        **dict.fromkeys(
            ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"), "trusted.pem"
        ),
        "NODE_USE_ENV_PROXY": "1",
    }


@pytest.mark.parametrize(
    ("before", "kept"),
    [
        ("db.internal, .example.org ,localhost", "db.internal,.example.org"),
        ("*", ""),
        ("api.vendor.example,.vendor.example,*.example,pi.vendor.example", "pi.vendor.example"),
    ],
)
def test_hosts_without_a_proxy_are_kept_but_for_those_of_vendors(before: str, kept: str) -> None:
    expected = ",".join(filter(None, ("localhost,127.0.0.1,::1", kept)))

    assert make({"NO_PROXY": before})["no_proxy"] == expected
    assert make({"no_proxy": before})["NO_PROXY"] == expected


def test_the_files_of_certificates_that_were_set_are_listed_once() -> None:
    base = {
        "SSL_CERT_FILE": "a.pem",
        "CURL_CA_BUNDLE": "a.pem",
        "NODE_EXTRA_CA_CERTS": "b.pem",
        "REQUESTS_CA_BUNDLE": "",
    }

    assert list_certificate_files(base) == ["a.pem", "b.pem"]
