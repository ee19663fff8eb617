"""The Python client of a running server: its sessions, stubs, faults, recorded requests and assertions."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import secrets
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self, Unpack

from mockserver.client.account_methods import AccountMethods
from mockserver.client.arguments import (
    FailArguments,
    FaultArguments,
    MatchArguments,
    ResponseArguments,
    ThenArgument,
    check_keywords,
    format_arguments,
    select_keywords,
)
from mockserver.client.control_client import DEFAULT_TIMEOUT, ControlClient
from mockserver.client.proxy_hint import describe_proxy
from mockserver.client.recorded_request import Request, parse_mismatches, parse_recorded_request
from mockserver.client.vendor_endpoint import VendorEndpoint
from mockserver.matching.fixture_files import find_fixture_files
from mockserver.matching.loader import load_fixture_set
from mockserver.report.prompt_snapshots import (
    SnapshotDefaults,
    compare_snapshot,
    normalize_prompts,
    save_snapshot,
)
from mockserver.report.report_formats import format_report_text
from mockserver.report.resilience_report import ResilienceReport, parse_report
from mockserver.request.request_head import check_session_name
from mockserver.schema.durations import parse_duration
from mockserver.schema.messages import did_you_mean
from mockserver.schema.yaml_document import read_text_file

__tracebackhide__ = True  # pytest shows the line of the failed test, not the frames of this module


_REQUEST_LIMIT = 1_000_000  # more than a journal holds
ReplyArgument = str | int | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FixtureStatus:
    """An active fixture: its position, its number of responses in this session, and whether it belongs to it."""

    name: str
    source: str
    hits: int
    own: bool


class Session(AccountMethods):
    """One test's part of a server: its own fixtures, fault rules, accounts, counters and recorded requests.

    Requests belong to the session if they are sent below its `url`. Its fixtures take precedence over the shared
    ones. Sessions do not affect each other, so tests can run in parallel on one server.

    Example::

        session.on(user="weather").reply("Sunny")
        session.fail(429, retry_after="10ms", times=1)  # the first request fails

        client = OpenAI(base_url=f"{session.url}/v1", api_key="any-key")
        question = {"role": "user", "content": "How is the weather?"}
        answer = client.chat.completions.create(model="o3-mini", messages=[question])

        assert answer.choices[0].message.content == "Sunny"
        assert [request.attempt for request in session.requests] == [0, 1]
        session.assert_called(count=2, user="weather")

    Each vendor is an attribute, or `vendor(name)`: `OpenAI(**session.acme.openai())` uses the vendor `acme`.
    The methods are thread-safe and block until the server has responded.

    Raises (every method):
        InputError: the server rejects the arguments; the message names the field and the expected value.
        TypeError: a keyword does not exist, or a value has the wrong type.
        ConnectionError: no server responds, or it denies access.
        AssertionError: an `assert_...` method or `wait_for` fails; the message lists the recorded requests.
    """

    def __init__(self, client: ControlClient, name: str | None) -> None:
        """Create the session `name`; None stands for all sessions and the state that they share."""
        self._client = client
        self._name = name
        self._stub_counts: Counter[str] = Counter()
        self._incomplete_stubs: dict[int, Stub] = {}
        self.snapshot_defaults = SnapshotDefaults()

    @property
    def name(self) -> str | None:
        """The name of the session; None for the server itself."""
        return self._name

    @property
    def url(self) -> str:
        """The URL before the vendors' paths, like `http://127.0.0.1:8402/s/NAME`."""
        return self._client.root if self._name is None else f"{self._client.root}/s/{self._name}"

    def on(self, **match: Unpack[MatchArguments]) -> Stub:
        """Select the requests that meet all these conditions; without arguments, all requests.

        `on(...).reply(...)` adds a fixture. The one added last takes precedence.

        Example::

            session.on(user="weather", stream=True).reply("Sunny", delay="1s")
            session.on(user=re.compile(r"\\bweather\\b")).reply(503, "Sunny")
        """
        check_keywords("on()", match, MatchArguments)
        frame = inspect.currentframe()
        caller = frame.f_back if frame else None
        stub = Stub(self, match, f"{caller.f_code.co_filename}:{caller.f_lineno}" if caller else "")
        self._incomplete_stubs[id(stub)] = stub
        return stub

    def fail(self, error: int | str | None = None, **failure: Unpack[FailArguments]) -> None:
        """Add a fault rule: the requests that match fail, whichever fixture matches them.

        `error` is a status from 400 to 599 or a kind like "insufficient_credits", sent in the vendor's form; it may
        be omitted if there is a `fault` or a `delay`. Without `times` and `for_` the rule applies until `reset`.
        The rule added last takes precedence.

        Example::

            session.fail(429, retry_after="10ms", times=2)
            session.fail(fault="reset@3", model="o3-mini", probability="10%")
        """
        check_keywords("fail()", failure, FailArguments)
        rule = {"match": select_keywords(failure, MatchArguments), **select_keywords(failure, FaultArguments)}
        self._client.post("/faults", self._name, rule if error is None else rule | {"error": error})

    def load(self, *paths: str | Path) -> dict[str, str]:
        """Add the fixtures of files and folders before all others; return their positions by name.

        Raises InputError with all problems of all files.
        """
        fixture_set = load_fixture_set(map(Path, paths))  # reports problems with file and line
        files = find_fixture_files(map(Path, paths)).files
        added = [self._post_fixtures(read_text_file(file).encode()) for file in reversed(files)]
        names = (name for file_names in reversed(added) for name in file_names)
        return {name: f"{one.source}: {one.name}" for name, one in zip(names, fixture_set, strict=True)}

    def load_shipped(self) -> None:
        """Add the fixtures that a server without files serves, before all others."""
        self._client.post("/fixtures/shipped", self._name)

    @property
    def requests(self) -> list[Request]:
        """The requests so far, in the order of their arrival."""
        return self.requests_since(0)

    def requests_since(self, number: int, limit: int = _REQUEST_LIMIT) -> list[Request]:
        """Return the requests that arrived after the one with this number, at most the last `limit`."""
        return self._list_requests(number, limit)[0]

    def read_requests(self) -> tuple[list[Request], str]:
        """Return the requests so far, and why the list is incomplete: an empty text if it is complete."""
        return self._list_requests(0, _REQUEST_LIMIT)

    def _list_requests(self, since: int, limit: int) -> tuple[list[Request], str]:
        data = self._client.get("/requests", self._name, since=since, limit=limit)
        requests = [parse_recorded_request(one, self._fetch_details) for one in reversed(data["requests"])]
        return requests, data.get("dropped_note") or ""

    @property
    def incomplete_stubs(self) -> list[Stub]:
        """The stubs of `on` for which neither `reply` nor `fail` was called, so that they have no effect."""
        return list(self._incomplete_stubs.values())

    @property
    def fixtures(self) -> list[FixtureStatus]:
        """The fixtures that apply to the session's requests, in order of precedence."""
        data = self._client.get("/fixtures", self._name)["fixtures"]
        return [
            FixtureStatus(one["name"], one["source"], one["hits"], one["scope"] == "session") for one in data
        ]

    def assert_called(
        self, count: int | None = None, *, times: int | None = None, **match: Unpack[MatchArguments]
    ) -> None:
        """Raise AssertionError unless exactly `count` requests match; without it, at least one.

        `times` is another name of `count`.
        """
        if count is not None and times is not None:
            raise TypeError("assert_called(): found both count and times, which mean the same")
        count = times if count is None else count
        self._verify("assert_called()", match, count={"min": 1} if count is None else _check_count(count))

    def assert_not_called(self, **match: Unpack[MatchArguments]) -> None:
        """Raise AssertionError if any request matches."""
        self._verify("assert_not_called()", match, count=0)

    def wait_for(self, count: int = 1, within: str = "5s", **match: Unpack[MatchArguments]) -> None:
        """Wait until at least `count` requests match; raise AssertionError after `within`, a duration like "5s".

        The method blocks. On an event loop write `await asyncio.to_thread(session.wait_for, ...)`.
        """
        self._verify("wait_for()", match, within, count={"min": _check_count(count)})

    def report(self) -> ResilienceReport:
        """Return the report on the clients of the session: what they did wrong."""
        return parse_report(self._client.get("/report", self._name))

    def assert_resilient(self, fail_on: Literal["error", "advice"] = "error") -> None:
        """Raise AssertionError if a client of the session did something wrong; `fail_on="advice"` includes advice.

        docs/report.md lists the rules. An error was seen on the wire, advice is inferred.
        """
        report = self.report()
        if report.select_failures(fail_on):
            raise AssertionError(f"assert_resilient(): {format_report_text(report)}")

    def assert_prompts(self, path: str | Path, name: str = "", *, update: bool | None = None) -> None:
        """Raise AssertionError if the prompts so far differ from those in a file, with the difference.

        Ids and times are masked, and the further attempts of a call are left out. `name` stands for them in the file;
        `update` writes them to it instead. In a test the defaults are the test's name, its folder, and whether pytest
        was run with --mockserver-update.
        """
        defaults = self.snapshot_defaults
        file, name = defaults.folder / path, name or defaults.name
        firsts = {call[0] for call in self._client.get("/calls", self._name)["calls"]}
        details = [self._fetch_details(one.id) for one in self.requests if one.id in firsts]
        prompts = normalize_prompts(details)
        if defaults.is_update if update is None else update:
            save_snapshot(file, name, prompts)
        elif difference := compare_snapshot(file, name, prompts):
            raise AssertionError(f"assert_prompts(): {difference}")

    def reset(self) -> None:
        """Remove the session's requests, fixtures, fault rules, counters and account changes."""
        self._client.post("/reset", self._name)
        self._incomplete_stubs.clear()

    def vendor(self, name: str) -> VendorEndpoint:
        """Return the endpoint of a vendor in this session. Raises LookupError for an unknown vendor."""
        vendors = self._client.vendors
        if name not in vendors:
            available = ", ".join(vendors) or "none"
            raise LookupError(f"no vendor {name!r}{did_you_mean(name, vendors)} This server has: {available}")
        return VendorEndpoint.from_vendor_data(vendors[name], name, self.url)

    def __getattr__(self, name: str) -> VendorEndpoint:
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        vendors = {vendor.replace("-", "_"): vendor for vendor in self._client.vendors}
        if name not in vendors:
            own = [member for member in dir(type(self)) if not member.startswith("_")]
            raise AttributeError(
                f"a {type(self).__name__} has no attribute {name!r}{did_you_mean(name, (*own, *vendors))} "
                f"The vendors of this server are: {', '.join(vendors) or 'none'}"
            )
        return self.vendor(vendors[name])

    def __dir__(self) -> Iterable[str]:
        known = list(super().__dir__())
        with contextlib.suppress(ConnectionError):
            known += [vendor.replace("-", "_") for vendor in self._client.vendors]
        return known

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.url}>"

    def _add_stub(
        self, match: MatchArguments, responses: list[dict[str, Any]], then: ThenArgument | None
    ) -> None:
        fixture: dict[str, Any] = {"match": match, "responses": responses}
        if then is not None:
            fixture["then"] = then
        elif len(responses) == 1:
            fixture = {"match": match, "response": responses[0]}
        status: int = 409
        while status == 409:  # another client has added a fixture of this name to the session
            named = {"name": self._stub_name(match), **fixture}
            status, data = self._client.send("POST", "/fixtures", self._name, named)
        self._client.check_response(status, data)

    def _stub_name(self, match: MatchArguments) -> str:
        """Return a new name for a fixture, which messages show as well."""
        # The names of shared fixtures differ, so that a session's own do not hide them.
        name = f"{'server.' if self._name is None else ''}on({format_arguments(match)})"
        self._stub_counts[name] += 1
        return name if self._stub_counts[name] == 1 else f"{name} #{self._stub_counts[name]}"

    def _post_fixtures(self, fixtures: object) -> list[str]:
        added: list[str] = self._client.post("/fixtures", self._name, fixtures)["fixtures"]
        return added

    def _fetch_details(self, identifier: str) -> Mapping[str, Any]:
        details: Mapping[str, Any] = self._client.get(f"/requests/{identifier}")
        return details

    def _verify(self, caller: str, match: MatchArguments, within: str | None = None, **query: Any) -> None:
        check_keywords(caller, match, MatchArguments)
        query["match"] = match
        seconds = 0.0
        if within is not None:
            seconds = parse_duration(str(within))
            query["within"] = within
        status, data = self._client.send(
            "POST", "/verify", self._name, query, timeout=DEFAULT_TIMEOUT + seconds
        )
        if status == 409:
            hint = _BLOCKED_LOOP_HINT if within is not None and _is_on_event_loop() else ""
            raise AssertionError(f"{self._verify_failure_message(data['error'])}{hint}")
        self._client.check_response(status, data)

    def _verify_failure_message(self, error: Mapping[str, Any]) -> str:
        """Describe a failed assertion: the expectation, and each request with its mismatches."""
        requests, incomplete = self.read_requests()
        expectation, separator, _ = error["message"].partition(". Nearest: ")
        nearest = error.get("nearest", ()) if separator else ()
        mismatches = {one["id"]: parse_mismatches(one["differences"]) for one in nearest}
        lines = []
        if not requests:
            lines = [incomplete] if incomplete else describe_no_requests(self.url)
        if len(requests) > _MAX_LISTED:
            lines.append(f"({len(requests) - _MAX_LISTED} earlier requests omitted)")
        for one in requests[-_MAX_LISTED:]:
            lines.append(f"{'+' if one.id in error.get('requests', ()) else '-'} {one}")
            lines += [f"    {mismatch}" for mismatch in mismatches.get(one.id, ())]
        return "\n".join([expectation, *(f"  {line}" for line in lines)])


def describe_no_requests(url: str) -> list[str]:
    """Return the lines that report that no request has reached a session."""
    return [f"no request has reached {url}", *describe_proxy(url)]


class Stub:
    """The requests that `Session.on` selects, for which `reply` and `fail` set the outcome."""

    def __init__(self, session: Session, match: MatchArguments, position: str) -> None:
        self._session = session
        self._match = match
        self.position = position  # file and line of the call of `on`

    def reply(
        self,
        *responses: ReplyArgument,
        then: ThenArgument | None = None,
        **response: Unpack[ResponseArguments],
    ) -> None:
        """Set the response: a text, a response in keywords (`json=...`, `tool_calls=[...]`), or both.

        Several positional arguments are a sequence of responses: texts, statuses, or mappings of the keywords of a
        response. `then` selects the behaviour after the last: "repeat_last" (the default), "cycle" or "no_match".
        Raises InputError for invalid values, and TypeError for unknown keywords.

        Example::

            session.on(user="weather").reply("Sunny", delay="1s")
            session.on(model="o3-mini").reply(503, {"text": "Sunny", "finish_reason": "length"}, then="cycle")
        """
        check_keywords("reply()", response, ResponseArguments)
        if response:
            if len(responses) > 1 or not all(isinstance(one, str) for one in responses):
                raise TypeError(
                    f"reply(): {format_arguments(response)} can be combined with one text only; {_MAPPING_HINT}"
                )
            responses = ({**response, **({"text": responses[0]} if responses else {})},)
        if not responses:
            raise TypeError(
                'reply(): found no arguments, expected a text or a response like json={"ok": True}'
            )
        self._session._add_stub(self._match, [_expand_reply(one) for one in responses], then)  # noqa: SLF001
        self._session._incomplete_stubs.pop(id(self), None)  # noqa: SLF001

    def fail(self, error: int | str | None = None, **fault: Unpack[FaultArguments]) -> Self:
        """Add a fault rule for the selected requests, as `Session.fail` does; `reply` can follow.

        Example::

            session.on(user="weather").fail(503, times=1).reply("Sunny")
        """
        check_keywords("fail()", fault, FaultArguments)
        self._session.fail(error, **self._match, **fault)
        self._session._incomplete_stubs.pop(id(self), None)  # noqa: SLF001
        return self

    def __str__(self) -> str:
        return f"on({format_arguments(self._match)})"


class Remote(Session):
    """A server that already runs, by its URL.

    Example::

        server = Remote("http://127.0.0.1:8402")  # token="..." if the server has an admin token

        session = server.session()
        session.on(user="weather").reply("Sunny")
        client = OpenAI(base_url=f"{session.url}/v1", api_key="any-key")

    The methods of `Session` on the server itself apply to all sessions: `requests` are those of all, and
    fixtures and fault rules are shared.

    Raises:
        ValueError: `root` is not an HTTP URL; `session()` got an invalid name.
        ConnectionError: (every method) no server responds at `root`, or it requires another token.
    """

    def __init__(self, root: str, token: str | None = None) -> None:
        super().__init__(ControlClient(root, token), None)

    def session(self, name: str | None = None) -> Session:
        """Return the session of this name, by default a new one. Raises ValueError for an invalid name."""
        name = f"test-{secrets.token_hex(6)}" if name is None else check_session_name(name)
        return Session(self._client, name)


def _expand_reply(reply: ReplyArgument) -> dict[str, Any]:
    """Return a response as a mapping. A text is always a text: kinds of errors are for `fail`."""
    match reply:
        case str():
            return {"text": reply}
        case bool():
            pass
        case int():
            return {"error": reply}
        case Mapping():
            check_keywords("reply()", reply, ResponseArguments)
            return dict(reply)
    raise TypeError(f"reply(): found {reply!r}, expected a text, a status or a mapping")


def _check_count(count: object) -> int:
    if not isinstance(count, int) or isinstance(count, bool):
        raise TypeError(
            f"found {count!r}, expected a number of requests; to match their text write user={count!r}"
        )
    return count


def _is_on_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


_MAX_LISTED = 20  # requests in a message
_MAPPING_HINT = 'pass several as mappings like {"text": "Sunny", "delay": "1s"}'
_BLOCKED_LOOP_HINT = (
    "\nwait_for() blocked this thread's event loop, so that a client on it could not send its request: "
    "write `await asyncio.to_thread(session.wait_for, ...)`."
)
