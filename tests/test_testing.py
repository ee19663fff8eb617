"""A server from Python: what a test tells it, and what it asks afterwards, over a real socket."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
import requests
from openai import AsyncOpenAI, OpenAI

from mockserver.client.control_client import ControlClient
from mockserver.client.session_client import Stub
from mockserver.client.vendor_endpoint import VendorEndpoint
from mockserver.errors import InputError
from mockserver.testing import MockServer, Remote, Session


@pytest.fixture
def session(server: MockServer) -> Session:
    return server.session()


def ask(session: Session, said: str = "How is the weather?", **more: Any) -> Any:
    with OpenAI(**session.aimlapi.openai(), max_retries=0) as client:
        made = client.chat.completions.create(
            model="o1-preview", messages=[{"role": "user", "content": said}], **more
        )
    return made if more.get("stream") else made.choices[0].message.content


# --- answers


def test_a_client_that_is_told_to_wait_tries_again(session: Session) -> None:
    session.on(user="weather").reply("Sunny")
    session.fail(429, retry_after="10ms", times=2)
    with OpenAI(**session.aimlapi.openai()) as client:
        made = client.chat.completions.create(
            model="o1-preview", messages=[{"role": "user", "content": "How is the weather?"}]
        )
    assert made.choices[0].message.content == "Sunny"
    assert [(one.status, one.attempt) for one in session.requests] == [(429, 0), (429, 1), (201, 2)]
    session.assert_called(count=3, user="weather")


@pytest.mark.parametrize(
    ("reply", "heard"),
    [
        (lambda on: on.reply("timeout"), "timeout"),  # a text, though it is also a kind of error
        (lambda on: on.reply("Sunny", reasoning="I looked."), "Sunny"),
        (lambda on: on.reply(json={"ok": True}), '{"ok":true}'),
        (lambda on: on.reply({"text": "Sunny", "delay": "1ms"}), "Sunny"),
        (lambda on: on.reply(text="Hello {{ user }}", template=True), "Hello How is the weather?"),
    ],
    ids=["text", "with keywords", "json", "mapping", "template"],
)
def test_a_reply_is_said(session: Session, reply: Callable[[Stub], None], heard: str) -> None:
    reply(session.on(user=re.compile(r"\bWEATHER\b", re.IGNORECASE)))
    assert ask(session) == heard


def test_replies_follow_one_another(session: Session) -> None:
    session.on().reply("one", {"text": "two", "times": 2}, 503, then="cycle")
    assert [ask(session) for _ in range(3)] == ["one", "two", "two"]
    with pytest.raises(openai.InternalServerError):
        ask(session)
    assert ask(session) == "one"


def test_what_is_said_last_is_asked_first(session: Session) -> None:
    session.on(user="weather").reply("Sunny")
    session.on(user="weather").reply("Rain", times=1)
    assert [ask(session), ask(session)] == ["Rain", "Sunny"]
    assert [one.fixture for one in session.requests] == ["on(user='weather') #2", "on(user='weather')"]


def test_two_who_share_a_session_do_not_take_each_others_names(server: MockServer, session: Session) -> None:
    session.on().reply("one", times=1)
    server.session(session.name).on().reply("two", times=1)
    assert [ask(session), ask(session)] == ["two", "one"]


def test_files_answer_in_their_order_and_before_all_others(session: Session, tmp_path: Path) -> None:
    one, two = tmp_path / "one.yaml", tmp_path / "two.yaml"
    one.write_text("fixtures:\n- {match: {user: both}, response: {text: 1.50}}\n")
    two.write_text(
        "fixtures:\n- {match: {user: both}, response: two}\n- {name: two, match: {user: two}, response: 2}\n"
    )
    session.on().reply("mine")
    two.write_text(two.read_text().replace("response: 2", "response: {text: 2}"))
    assert list(session.load(one, str(two)).values()) == [
        f"{one}:2: one#1",
        f"{two}:2: two#1",
        f"{two}:3: two",
    ]
    assert [ask(session, "both"), ask(session, "two"), ask(session, "else")] == ["1.50", "2", "mine"]
    assert [(two.hits, two.own) for two in session.fixtures if two.name == "two"] == [(1, True)]


def test_a_file_that_is_wrong_is_told_with_its_line(session: Session, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("fixtures:\n- {match: {}, response: {txet: x}}\n")
    with pytest.raises(InputError, match=r"bad\.yaml:2:\d+: .*'txet'.*did you mean 'text'"):
        session.load(bad)


# --- failures


@pytest.mark.parametrize(
    ("fail", "heard"),
    [
        (lambda session: session.fail("insufficient_credits"), openai.PermissionDeniedError),
        (lambda session: session.fail(503, user="weather", message="Down."), openai.InternalServerError),
        (lambda session: session.fail(fault="reset"), openai.APIConnectionError),
        (lambda session: session.on(user="weather").fail(429).reply("Sunny"), openai.RateLimitError),
    ],
    ids=["kind", "status", "fault", "some"],
)
def test_a_failure_is_heard_whatever_would_answer(
    session: Session, fail: Callable[[Session], None], heard: type[Exception]
) -> None:
    session.on().reply("Fine.")
    fail(session)
    with pytest.raises(heard):
        ask(session)
    assert not session.requests[-1].unmatched


def test_a_failure_can_be_for_some_and_for_a_while(session: Session) -> None:
    session.on().reply("Fine.")
    session.on(user="weather").fail(503, times=1, for_="1h", probability="100%").reply("Sunny")
    assert ask(session, "else") == "Fine."
    with pytest.raises(openai.InternalServerError):
        ask(session)
    assert ask(session) == "Sunny"


# --- afterwards


def test_a_request_says_what_it_was(session: Session) -> None:
    session.on().reply("Sunny")
    long = "weather " * 100
    ask(session, long, temperature=0.5, extra_headers={"X-Tenant": "acme"})
    session.wait_for(1)
    [one] = session.requests
    assert (one.vendor, one.model, one.method, one.status) == ("aimlapi", "o1-preview", "POST", 201)
    assert (one.fixture, one.matched, one.user, one.session) == ("on()", True, long, session.name)
    assert one.body["temperature"] == 0.5
    assert one.headers["x-tenant"] == "acme"
    assert session.aimlapi.sample_key not in str(one.headers)


def test_a_request_that_nothing_matched_says_what_came_nearest(session: Session) -> None:
    session.on(user="weather").reply("Sunny")
    ask(session, "How is the wether?")
    [one] = session.requests
    assert one.unmatched
    assert one.misses[0].mismatches[0].field == "user"
    assert one.explain(most=1) == (
        "aimlapi o1-preview 'How is the wether?' -> 201, no fixture matched\n"
        "  on(user='weather') missed on user: expected text with 'weather', found 'How is the wether?'"
    )


def test_a_strict_server_refuses_and_its_refusal_is_a_miss(tmp_path: Path) -> None:
    with MockServer(strict=True) as server:
        with pytest.raises(openai.NotFoundError, match="no fixture matched"):
            ask(server)
        assert requests.get(f"{server.url}/nowhere/at/all", timeout=5).status_code == 404
        with pytest.raises(openai.BadRequestError):
            ask(server, temperature="hot")
        assert [one.unmatched for one in server.requests] == [True, True, False]


def test_a_message_lists_the_requests_and_what_they_lack(session: Session) -> None:
    session.on(user="weather").reply("Sunny")
    ask(session)
    ask(session, "else")
    with pytest.raises(AssertionError) as caught:
        session.assert_called(2, user="weather")
    assert str(caught.value) == (
        "expected 2 requests like user: text with 'weather'; found 1 of 2\n"
        "  + aimlapi o1-preview 'How is the weather?' -> 201, fixture on(user='weather')\n"
        "  - aimlapi o1-preview 'else' -> 201, no fixture matched\n"
        "      user: expected text with 'weather', found 'else'"
    )


def test_a_message_about_too_many_names_them(session: Session) -> None:
    ask(session)
    with pytest.raises(AssertionError) as caught:
        session.assert_not_called(user="weather")
    assert str(caught.value).splitlines()[1:] == [
        "  + aimlapi o1-preview 'How is the weather?' -> 201, no fixture matched"
    ]


def test_a_message_stays_short(session: Session) -> None:
    for number in range(25):
        ask(session, f"question {number}")
    with pytest.raises(AssertionError) as caught:
        session.assert_called(user="answer")
    assert "  (5 earlier requests omitted)" in str(caught.value)
    assert "question 4'" not in str(caught.value)


def test_a_message_says_when_nothing_came(session: Session) -> None:
    session.assert_not_called()
    with pytest.raises(AssertionError, match=f"no request has reached {session.url}"):
        session.assert_called()


def test_waiting_ends_as_soon_as_the_request_is_there(session: Session) -> None:
    asking = threading.Thread(target=ask, args=(session,))
    asking.start()
    session.wait_for(user="weather", within="20s")
    asking.join()
    session.assert_called(1)


def test_waiting_in_vain_says_what_came_and_who_was_kept_waiting(session: Session) -> None:
    with pytest.raises(AssertionError, match="expected at least 1") as caught:
        session.wait_for(within="10ms")
    assert "event loop" not in str(caught.value)

    async def blocked() -> None:
        session.wait_for(within="10ms")

    with pytest.raises(AssertionError, match="event loop"):
        asyncio.run(blocked())


def test_after_a_reset_all_is_as_in_the_beginning(session: Session) -> None:
    session.on().reply("Sunny")
    session.fail(503)
    with pytest.raises(openai.InternalServerError):
        ask(session)
    [one] = session.requests
    session.reset()
    assert session.requests == []
    assert ask(session, "Hello").startswith("Hello!")
    with pytest.raises(LookupError, match="may have been evicted"):
        one.explain()


# --- vendors


def test_every_vendor_is_an_attribute(server: MockServer, session: Session) -> None:
    root = f"{server.url}/s/{session.name}"
    assert session.aimlapi.openai() == {
        "base_url": f"{root}/aimlapi/v1",
        "api_key": session.aimlapi.sample_key,
    }
    assert session.omixa.env() == {
        "OPENAI_BASE_URL": f"{root}/omixa/api/v1",
        "OPENAI_API_KEY": session.omixa.sample_key,
    }
    assert session.segmind.url("a/b") == f"{root}/segmind/v1/a%2Fb"
    assert session.omixa.headers() == {"authorization": f"Bearer {session.omixa.sample_key}"}
    assert session.vendor("segmind") == session.segmind
    assert {"aimlapi", "segmind", "on", "name"} <= set(dir(session))


def test_a_vendor_without_a_path_for_openai_says_how_it_is_asked(session: Session) -> None:
    session.on(vendor="segmind", model="o1-*").reply("Sunny")
    with pytest.raises(
        LookupError,
        match=r"OpenAI clients cannot be used with Segmind: .* segmind\.url\(model\) and segmind\.headers",
    ):
        session.segmind.env()
    body = {"messages": [{"role": "user", "content": "weather?"}]}
    answer = requests.post(session.segmind.url(), json=body, headers=session.segmind.headers(), timeout=5)
    assert answer.json()["choices"][0]["message"]["content"] == "Sunny"


def test_a_vendor_that_is_not_there_is_told_with_those_that_are(session: Session) -> None:
    with pytest.raises(
        AttributeError, match=r"no attribute 'omixsa', did you mean 'omixa'\?.* are: aimlapi, omixa, segmind"
    ):
        _ = session.omixsa
    with pytest.raises(LookupError, match=r"no vendor 'acme'.* This server has: aimlapi, omixa, segmind"):
        session.vendor("acme")
    with pytest.raises(AttributeError, match="'Session' object has no attribute '_secret'"):
        _ = session._secret


def test_a_vendor_that_the_server_does_not_describe_is_refused() -> None:
    with pytest.raises(LookupError, match="does not report the chat, key_header of acme"):
        VendorEndpoint.from_vendor_data(
            {"title": "Acme", "sample_key": "k", "sample_model": "m"}, "acme", "http://x"
        )


# --- the server itself


def test_the_server_stands_for_all_its_sessions(tmp_path: Path) -> None:
    with MockServer() as server:
        mine = server.session("mine")
        server.on(user="weather").reply("shared")
        mine.on(user="weather").reply("own", times=1)
        assert [ask(mine), ask(mine), ask(server)] == ["own", "shared", "shared"]
        assert [one.fixture for one in server.requests] == [
            "on(user='weather')",
            "server.on(user='weather')",
            "server.on(user='weather')",
        ]
        assert len(mine.requests) == 2
        assert (mine.name, server.name) == ("mine", None)
        assert repr(mine) == f"<Session {server.url}/s/mine>"
        server.reset()
        assert server.requests == []


def test_sessions_are_fresh_unless_they_are_named(server: MockServer) -> None:
    assert server.session().name != server.session().name
    with pytest.raises(ValueError, match=r"found 'a b', expected 1 to 64 letters"):
        server.session("a b")


def test_it_runs_for_the_length_of_an_async_with() -> None:
    async def run() -> str:
        async with MockServer() as server, AsyncOpenAI(**server.omixa.openai()) as client:
            server.on().reply("Sunny")
            made = await client.chat.completions.create(
                model="o1-preview", messages=[{"role": "user", "content": "?"}]
            )
        return made.choices[0].message.content or ""

    assert asyncio.run(run()) == "Sunny"


def test_a_stopped_server_starts_again_on_its_port_or_says_why_not() -> None:
    server = MockServer()
    with server:
        url = server.url
        server.on().reply("Sunny")
        assert ask(server) == "Sunny"
        with pytest.raises(RuntimeError, match=rf"the server is running already, at {url}"):
            server.start()
    with server:
        assert server.url == url
        assert (server.requests, server.entries) == ([], [])
        assert ask(server) != "Sunny"
    server.stop()
    message = r"the server cannot start again: port: port \d+ is taken"
    with (
        socket.create_server(("127.0.0.1", server._server.address[1])),
        pytest.raises(RuntimeError, match=message),
    ):
        server.start()


def test_a_setting_that_does_not_exist_is_told() -> None:
    with pytest.raises(TypeError, match=r"MockServer\(\): unknown keyword 'stirct', did you mean 'strict'\?"):
        MockServer(stirct=True)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"reply": "ecko"}, "--reply: found 'ecko', did you mean 'echo'?"),
        ({"reply": "?"}, "--reply: found '?', expected faker, echo or lorem"),
        ({"locale": "klingon"}, "--locale: found the locale 'klingon', expected one of Faker's"),
    ],
)
def test_a_setting_that_means_nothing_is_told(setting: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=re.escape(said)):
        MockServer(**setting)


@pytest.mark.parametrize("count", [60, pytest.param(300, marks=pytest.mark.slow)])
def test_many_sessions_at_once_do_not_hear_each_other(count: int) -> None:
    async def one(server: MockServer, http: httpx2.AsyncClient, number: int) -> None:
        session = server.session()
        await asyncio.to_thread(session.on(user="weather").reply, f"{number} once", f"{number} again")
        if number % 3:
            await asyncio.to_thread(session.fail, 429, retry_after="1ms", times=number % 3)
        client = AsyncOpenAI(**session.aimlapi.openai(), http_client=http)
        for expected in (f"{number} once", f"{number} again"):
            made = await client.chat.completions.create(
                model="o1-preview", messages=[{"role": "user", "content": f"weather {number}?"}]
            )
            assert made.choices[0].message.content == expected
        seen = await asyncio.to_thread(lambda: session.requests)
        assert [one.status for one in seen] == [429] * (number % 3) + [201, 201]
        assert {one.user for one in seen} == {f"weather {number}?"}

    async def all_of_them() -> None:
        limits = httpx2.Limits(max_connections=100)
        async with MockServer() as server, httpx2.AsyncClient(limits=limits, timeout=30) as http:
            await asyncio.gather(*(one(server, http, number) for number in range(count)))

    asyncio.run(all_of_them())


# --- mistakes


@pytest.mark.parametrize(
    ("mistake", "kind", "said"),
    [
        (lambda s: s.on(usre="x"), TypeError, r"on\(\): unknown keyword 'usre', did you mean 'user'\?"),
        (lambda s: s.on().reply(), TypeError, r"reply\(\): found no arguments"),
        (lambda s: s.on().reply(txet="x"), TypeError, r"reply\(\): unknown keyword 'txet'"),
        (lambda s: s.on().reply({"txet": "x"}), TypeError, r"reply\(\): unknown keyword 'txet'"),
        (lambda s: s.on().reply("a", "b", delay="1s"), TypeError, r"delay='1s' can be combined with one text only"),
        (lambda s: s.on().reply(None), TypeError, r"found None, expected a text, a status or a mapping"),
        (lambda s: s.on().reply(True), TypeError, r"found True, expected a text, a status or a mapping"),
        (lambda s: s.on().reply(json=object()), TypeError, r"expected a value that JSON can hold"),
        (lambda s: s.on().reply(json=float("nan")), ValueError, r"not JSON compliant"),
        (lambda s: s.on().reply("x", delay=5), InputError, r"response.delay: a duration needs a unit, write 5ms"),
        (lambda s: s.on(user={"regx": "x"}).reply("x"), InputError, r"unknown operator 'regx', did you mean 'regex'"),
        (lambda s: s.fail(), InputError, r"expected error, fault or delay"),
        (lambda s: s.fail(429, retry_after=5), InputError, r"write 5ms or 5s"),
        (lambda s: s.fail(429, tmes=2), TypeError, r"fail\(\): unknown keyword 'tmes', did you mean 'times'"),
        (lambda s: s.on().fail(429, user="x"), TypeError, r"fail\(\): unknown keyword 'user'"),
        (lambda s: s.assert_called("weather"), TypeError, r"to match their text write user='weather'"),
        (lambda s: s.assert_called(2, times=2), TypeError, r"found both count and times, which mean the same"),
        (lambda s: s.assert_called(True), TypeError, r"found True, expected a number"),
        (lambda s: s.wait_for(within=5), ValueError, r"a duration needs a unit, write 5ms or 5s"),
        (lambda s: s.assert_called(user={"regx": 1}), InputError, r"unknown operator 'regx'"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_at_once(
    session: Session, mistake: Callable[[Any], Any], kind: type[Exception], said: str
) -> None:
    with pytest.raises(kind, match=said):
        mistake(session)


# --- a server elsewhere


def test_a_server_elsewhere_is_steered_by_its_address(server: MockServer) -> None:
    session = Remote(f"{server.url}/").session()
    session.on().reply("Sunny")
    assert ask(session) == "Sunny"


def test_a_server_that_asks_for_a_token_gets_it() -> None:
    with MockServer(admin_token="open sesame") as server:  # noqa: S106
        server.on().reply("Sunny")
        with pytest.raises(ConnectionError, match=r"denies access: .*token"):
            Remote(server.url).on().reply("Rain")
        assert ask(server) == "Sunny"


@pytest.mark.parametrize("root", ["127.0.0.1:8402", "ftp://x", "http://", "http://x?y", "http://x#y"])
def test_an_address_that_is_none_is_refused(root: str) -> None:
    with pytest.raises(ValueError, match="expected a server's root like http"):
        Remote(root)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_server_that_does_not_answer_is_told_with_its_address(scheme: str) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        root = f"{scheme}://127.0.0.1:{nobody.getsockname()[1]}"
        with pytest.raises(ConnectionError, match=f"no mockserver answers at {root}"):
            _ = Remote(root).requests
        assert "requests" in dir(Remote(root))


@pytest.fixture
def stranger() -> Iterator[Callable[[int, str], ControlClient]]:
    """A server that is no mockserver, and what it answers to everything."""

    class Handler(BaseHTTPRequestHandler):
        said = 200, ""

        def do_GET(self) -> None:
            self.send_response(self.said[0])
            self.end_headers()
            self.wfile.write(self.said[1].encode())

        def log_message(self, *_: Any) -> None: ...

    running = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever, args=(0.01,))
    thread.start()

    def saying(status: int, text: str) -> ControlClient:
        Handler.said = status, text
        return ControlClient(f"http://127.0.0.1:{running.server_port}")

    yield saying
    running.shutdown()
    thread.join()
    running.server_close()


@pytest.mark.parametrize(
    ("status", "text", "kind", "said"),
    [
        (200, "<html>", ConnectionError, "is not a mockserver"),
        (200, "", ConnectionError, "does not list its vendors"),
        (200, '{"vendors": []}', ConnectionError, "does not list its vendors"),
        (
            200,
            '{"vendors": {}, "version": "0.0.1"}',
            ConnectionError,
            r"\(mockserver 0.0.1\) is too old for this",
        ),
        (200, '{"vendors": {}, "api_version": 0}', ConnectionError, r"too old .*: update the server$"),
        (404, '{"detail": "x"}', LookupError, 'the server answered {"detail": "x"}'),
        (500, '{"error": {"message": "oh"}}', ConnectionError, "failed with 500: oh"),
        (400, '{"error": {"message": "a; b", "problems": [{"message": "a"}]}}', InputError, "^a$"),
    ],
)
def test_an_answer_that_is_not_ours_is_told(
    stranger: Callable[[int, str], ControlClient], status: int, text: str, kind: type[Exception], said: str
) -> None:
    with pytest.raises(kind, match=said):
        _ = stranger(status, text).vendors


def test_a_server_without_vendors_says_so(stranger: Callable[[int, str], ControlClient]) -> None:
    session = Session(stranger(200, '{"api_version": 1, "vendors": {}}'), "s")
    with pytest.raises(LookupError, match="This server has: none"):
        session.vendor("acme")
    with pytest.raises(AttributeError, match="are: none"):
        _ = session.acme
