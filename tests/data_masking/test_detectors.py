"""Personal data and secrets are found in texts of every form; what only looks like them is not."""

from __future__ import annotations

import base64
import os
import secrets
import string
import time
import uuid
from collections.abc import Iterator

import pytest

from mockserver.data_masking.contact_data import is_card_number
from mockserver.data_masking.detectors import DETECTORS
from mockserver.data_masking.masking_rules import BUILT_IN_RULES
from mockserver.data_masking.text_windows import iter_matches
from mockserver.data_masking.value_masker import ValueMasker

PRIVATE_KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nAB+c=\n-----END RSA PRIVATE KEY-----"
# Made of two parts, so that no scanner of code takes them for real ones.
KEYS = [
    "sk-" + "proj-AbCdEf0123456789",
    "sk_" + "live_abcdefghij0123",
    "ghp_" + "0123456789abcdefghijABCDEFGHIJ012345",
    "github_pat_" + "11ABCDEFG0123456789_abcdef",
    "glpat-" + "abcdefghij0123456789",
    "AKIA" + "IOSFODNN7EXAMPLE",
    "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY",
    "AIza" + "SyA0123456789abcdefghijklmnopqrstu",
    "xoxb-" + "123456789012-abcdef",
    "T00000000/" + "B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
    "hf_" + "abcdefghijklmnopqrst12345678901234",
    "SG." + "abcdefghij0123456789ab.abcdefghij0123456789abcdefghij0123456789abc",
    "eyJ" + "hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.SflKxwRJSMeKKF2QT4f",
    "dapi" + "0123456789abcdef0123456789abcdef",
    "123456789:AA" + "Habcdefghijklmnopqrstuvwxyz0123456",
]


def mask(text: str) -> str:
    return ValueMasker(BUILT_IN_RULES).mask_text(text)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Mail jane.doe+x@mail.example.co.uk.", "Mail <email-1>."),
        ("jörg@müller.de,'jane@example.com'", "<email-1>,'<email-2>'"),
        ("to=jane%40example.com&x={\\u0022jane\\u0040example.com", "to=<email-1>&x={\\u0022<email-2>"),
        ("\\u003c4111111111111111 \\u003c+491701234567", "\\u003c<card-1> \\u003c<phone-1>"),
        ("\\njane@example.com", "\\n<email-1>"),
        ("a@b@example.com @x.de user@host x@1.2.3 @decorator.name",
         "a@<email-1> @x.de user@host x@1.2.3 @decorator.name"),
        ("+49 170 1234567, tel:+1-555-123-4567", "<phone-1>, tel:<phone-2>"),
        ("(555) 123-4567 or 555.123.4567 or 212 555 1234", "<phone-1> or <phone-2> or <phone-3>"),
        ("0171/2345678, 020 7946 0958, 01 23 45 67 89; 0049 30 123456", "<phone-1>, <phone-2>, <phone-3>; <phone-4>"),
        ("2024-01-02 10:30:00 01-02-2024 10 192.168.100.1 1.2.3.4567 x+12345678901 12345678901", None),
        ("4111 1111 1111 1111, 4111-1111-1111-1111 5500005555555559 378282246310005 3782 822463 10005",
         "<card-1>, <card-2> <card-3> <card-4> <card-5>"),
        ("4111 1111 1111 1112 1234567890123456 1700000000000 9111111111111111", None),
        ("postgres://bob:hunter2@db/x?password=correcthorse&sig=abcdefgh&page=12345678",
         "postgres://bob:<key-1>@db/x?password=<key-2>&sig=<key-3>&page=12345678"),
        ("Authorization: Bearer abcdefghijklmnop1; bearer authentication-mechanisms",
         "Authorization: Bearer <key-1>; bearer authentication-mechanisms"),
        (f"a {PRIVATE_KEY} b -----BEGIN PRIVATE KEY----- cut ----- c", "a <key-1> b <key-2>----- c"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\\nb3Blb", "<key-1>"),
        ("word Zx3kQ9vLr2TnW8yBc5Mp-7d end", "word <entropy-1> end"),
        ("\\nZx3kQ9vLr2TnW8yBc5Mp \\n_Zx3kQ9vLr2TnW8yBc5Mp", "\\n<entropy-1> \\n<entropy-2>"),
        ("call_Zx3kQ9vLr2TnW8yBc5Mp chatcmpl-Zx3kQ9vLr2TnW8yBc5Mp", None),
        ("ChatCompletionMessageToolCallParam X509WorkloadIdentityAuth Donaudampfschifffahrtsgesellschaft", None),
        (f"{'a1' * 20} {uuid.UUID(int=2**128 - 3**70)} 0123456789abcdeffedcba9876543210", None),
        ("/home/jane/x \"/Users/jane\" file:///home/bob. \\/home\\/jane",
         "<home-1>/x \"<home-2>\" file://<home-3>. <home-4>"),
        (r"C:\Users\jane\x \nC:\\Users\\jane\\x example.com/home/page myhome/x Users/x",
         r"<home-1>\x \n<home-2>\\x example.com/home/page myhome/x Users/x"),
        ("data:image/png;base64,sk-abcdefghijklmnopqrst0 a@b.de data:,x",
         "data:image/png;base64,sk-abcdefghijklmnopqrst0 <email-1> data:,x"),
    ],
)  # fmt: skip
def test_values_are_masked_and_nothing_else(text: str, masked: str | None) -> None:
    assert mask(text) == (text if masked is None else masked)


@pytest.mark.parametrize("key", KEYS)
def test_known_keys_are_masked(key: str) -> None:
    assert mask(f'{{"a":"{key}"}} x\\n{key}') == '{"a":"<key-1>"} x\\n<key-1>'


def test_the_home_of_this_process_is_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/srv/jane")
    assert mask("/srv/jane/x /srv/janet \\n/srv/jane a/srv/jane /srv/jane.d") == (
        "<home-1>/x /srv/janet \\n<home-1> a/srv/jane /srv/jane.d"
    )
    monkeypatch.setenv("HOME", "/")
    assert mask("/ /srv") == "/ /srv"


@pytest.mark.parametrize(
    ("number", "valid"), [("4111111111111111", True), ("411111111111", False), ("9111111111111111", False)]
)
def test_a_card_number_has_an_issuer_a_length_and_a_check_digit(number: str, valid: bool) -> None:
    assert is_card_number(number) is valid


def test_random_words_are_masked_but_for_very_few() -> None:
    alphabet = string.ascii_letters + string.digits
    words = ["".join(secrets.choice(alphabet) for _ in range(32)) for _ in range(300)]
    assert sum(mask(word) == word for word in words) <= 5


def test_binary_data_is_left_alone() -> None:
    data = base64.b64encode(os.urandom(600)).decode()
    assert mask(data) == data
    assert mask(f"{data} a@b.de").endswith("<email-1>")
    assert mask("data:text/plain,data:text/plain,a@b.de a@b.de").endswith(",a@b.de <email-1>")


def _hostile_texts(size: int) -> Iterator[str]:
    parts = (
        "a@",
        "@a.",
        "+1",
        "0171 ",
        "4111 ",
        "sk-",
        "eyJaaaaaaaa.",
        "-----BEGIN PRIVATE KEY",
        "://a:",
        "?a=",
        "aB1",
    )
    yield from (
        part * (size // len(part)) for part in (*parts, "/home/", "data:a/a;", "bearer ", "x" * 19 + " ")
    )


@pytest.mark.parametrize("kind", DETECTORS)
def test_the_time_is_linear_in_the_length_of_the_text(kind: str) -> None:
    for text in _hostile_texts(40_000):
        started = time.thread_time()
        list(DETECTORS[kind](text, 0, len(text)))
        assert time.thread_time() - started < 1, text[:40]  # quadratic ones take far longer


def test_values_are_found_across_the_windows_of_a_long_text() -> None:
    import re  # noqa: PLC0415

    text = ("x" * 70 + " a@b.de ") * 2000
    assert ValueMasker(BUILT_IN_RULES).mask_text(text) == text.replace("a@b.de", "<email-1>")
    found = list(iter_matches(re.compile("y+"), "x" * 65_535 + "y" * 9000, 0, 74_535))
    assert [match.span() for match in found] == [(65_535, 73_728), (73_728, 74_535)]


def test_a_key_is_masked_whole_however_long_it_is() -> None:
    assert mask(f"{' ' * 65_000}sk-{'a1' * 9000} b").strip() == "<key-1> b"
