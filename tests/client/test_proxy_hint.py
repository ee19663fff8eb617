"""The hint about a proxy in the environment."""

from __future__ import annotations

import pytest

from mockserver.client.proxy_hint import describe_proxy


@pytest.mark.parametrize(
    ("variables", "url", "named"),
    [
        ({}, "http://127.0.0.1:1", None),
        ({"HTTP_PROXY": "http://p"}, "http://127.0.0.1:1", "HTTP_PROXY"),
        ({"https_proxy": "http://p"}, "https://mock.test/s/x", "https_proxy"),
        ({"HTTPS_PROXY": "http://p"}, "http://127.0.0.1:1", None),
        ({"ALL_PROXY": "socks5://p", "NO_PROXY": "localhost"}, "http://127.0.0.1:1", "ALL_PROXY"),
        ({"HTTP_PROXY": "http://p", "no_proxy": "localhost, 127.0.0.1"}, "http://127.0.0.1:1", None),
        ({"HTTP_PROXY": "http://p", "NO_PROXY": "*"}, "http://127.0.0.1:1", None),
    ],
)
def test_a_proxy_is_named_if_it_would_be_used(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], url: str, named: str | None
) -> None:
    for scheme in ("http", "https", "all", "no"):
        monkeypatch.delenv(f"{scheme}_proxy", raising=False)
        monkeypatch.delenv(f"{scheme.upper()}_PROXY", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert [line.split()[0] for line in describe_proxy(url)] == ([named] if named else [])
