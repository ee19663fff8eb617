"""Masking of secrets in headers, queries and texts."""

from __future__ import annotations

import pytest

from mockserver.admin.fixtures_api import redact_definition
from mockserver.masking import find_secret_values, is_secret_header, mask_header, mask_query, redact_text


@pytest.mark.parametrize(
    "name",
    [
        *(
            "Authorization",
            "Proxy-Authorization",
            "x-api-key",
            "api_key",
            "access_token",
            "client-secret",
            "Cookie",
        ),
        *(
            "Set-Cookie",
            "x-passphrase",
            "db-pwd",
            "x-amz-credential",
            "x-jwt-assertion",
            "X-Hub-Signature",
            "session",
        ),
    ],
)
def test_names_that_may_contain_a_secret(name: str) -> None:
    assert is_secret_header(name)


@pytest.mark.parametrize(
    "name",
    ["x-mock-session", "X-Mock-Session", "x-ratelimit-remaining-tokens", "content-type", "x-mock-fixture"],
)
def test_names_that_are_shown(name: str) -> None:
    assert not is_secret_header(name)
    assert mask_header(name, "12") == "12"


@pytest.mark.parametrize("scheme", ["Bearer", "basic", "Token", "api-key"])
def test_the_scheme_is_shown_in_authorization_headers_only(scheme: str) -> None:
    assert mask_header("Authorization", f"{scheme} hunter2").startswith(f"{scheme} … (key-")
    assert scheme not in mask_header("x-auth", f"{scheme} hunter2")
    assert scheme not in mask_header("cookie", f"{scheme} hunter2")


@pytest.mark.parametrize("value", ["hunter2 x", "hunter2", "sid=hunter2; a=hunter2", "hunter2 Bearer"])
@pytest.mark.parametrize("name", ["authorization", "cookie", "set-cookie", "x-password"])
def test_no_other_value_is_taken_for_a_scheme(name: str, value: str) -> None:
    assert "hunter2" not in mask_header(name, value)


def test_secrets_are_redacted_wherever_they_are_quoted() -> None:
    headers = {
        "authorization": "Bearer sk-12345678",
        "cookie": 'a=short; b="cookie-value-1"',
        "x-pass": 'quo"te-1',
    }
    secrets = find_secret_values(headers, "key=query-secret-1&x=harmless-1")
    text = redact_text(
        'sk-12345678 cookie-value-1 query-secret-1 harmless-1 short {"quo\\"te-1"} quo"te-1', secrets
    )
    assert [one for one in ("sk-12345678", "cookie-value-1", "query-secret-1", "te-1") if one in text] == []
    assert "harmless-1 short" in text


@pytest.mark.parametrize("value", ["password", "word", "12345", "completions"])
def test_ordinary_words_are_not_redacted(value: str) -> None:
    assert find_secret_values({"x-auth-type": value}) == ()


@pytest.mark.parametrize(
    ("query", "masked"),
    [
        ("", ""),
        ("x=1&&y&z=", "x=1&&y&z="),
        ("x=a%20b&api_key=&token", "x=a%20b&api_key=&token"),
        ("x=1&api_key=hun%74er2&y=2", "x=1&api_key=%E2%80%A6%20%28key-f52fbd32%29&y=2"),
        ("api%5Fkey=hunter2", "api%5Fkey=%E2%80%A6%20%28key-f52fbd32%29"),
    ],
)
def test_secret_parameters_of_a_query_are_masked(query: str, masked: str) -> None:
    assert mask_query(query) == masked


@pytest.mark.parametrize(
    "definition", [None, "reset 10%", {"response": "text"}, {"responses": ["a", {"text": "b"}]}]
)
def test_a_definition_without_secrets_stays_as_it_is(definition: object) -> None:
    assert redact_definition(definition) == definition
