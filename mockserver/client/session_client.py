"""A server seen from outside, and its sessions: what a test tells them, and what it asks them afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self, TypedDict, Unpack
from urllib.parse import quote

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
from mockserver.client.recorded_request import Request, parse_mismatches, parse_recorded_request
from mockserver.matching.loader import list_fixture_files, load_fixture_set
from mockserver.request.request_head import is_session_name
from mockserver.schema.durations import parse_duration
from mockserver.schema.messages import did_you_mean
from mockserver.schema.yaml_document import read_text_file

__tracebackhide__ = True  # as in `remote`


class OpenAIArguments(TypedDict):
    """What `openai.OpenAI(**...)` and its siblings are made with."""

    base_url: str
    api_key: str


@dataclass(frozen=True, slots=True)
class VendorEndpoint:
    """The way to one vendor. `root` is where its paths begin."""

    root: str
    name: str
    title: str
    chat: str  # the path of chat completions; `{model}` in it is the model
    sample_key: str
    sample_model: str
    key_header: str
    openai_path: str | None = None
    key_scheme: str | None = None

    @classmethod
    def from_vendor_data(cls, data: dict[str, Any], name: str, root: str) -> Self:
        """From what the server says of a vendor. Raises LookupError where that is not enough."""
        known = {"openai_path": data.get("openai"), **data}
        lacking = [part for part in _REQUIRED_FIELDS if not isinstance(known.get(part), str)]
        if lacking:
            raise LookupError(
                f"the server does not say the {', '.join(lacking)} of {name}; is it an older one?"
            )
        stated = {one.name: known.get(one.name) for one in fields(cls) if one.name not in ("root", "name")}
        return cls(root=f"{root}/{quote(name)}", name=name, **stated)  # type: ignore[arg-type]

    def openai(self) -> OpenAIArguments:
        """`base_url` and `api_key` for an OpenAI client. Raises LookupError for a vendor that has no such path."""
        if self.openai_path is None:
            raise LookupError(
                f"no OpenAI client can be pointed at {self.title}: its path is {self.chat}. Use plain HTTP "
                f"with {self.name}.url(model) and {self.name}.headers()"
            )
        return {"base_url": f"{self.root}{self.openai_path.rstrip('/')}", "api_key": self.sample_key}

    def env(self) -> dict[str, str]:
        """The variables that OpenAI's clients read, for `os.environ` or a subprocess. Raises as `openai` does."""
        stated = self.openai()
        return {"OPENAI_BASE_URL": stated["base_url"], "OPENAI_API_KEY": stated["api_key"]}

    def url(self, model: str | None = None) -> str:
        """The URL of chat completions; `model` goes into the path where the vendor has it there."""
        return self.root + self.chat.replace("{model}", quote(model or self.sample_model, safe=""))

    def headers(self) -> dict[str, str]:
        """The header that carries the key."""
        key = f"{self.key_scheme} {self.sample_key}" if self.key_scheme else self.sample_key
        return {self.key_header: key}


_REQUIRED_FIELDS = ("title", "chat", "sample_key", "sample_model", "key_header")


ReplyArgument = str | int | Mapping[str, Any]
__tracebackhide__ = True  # a failed test shows its own line, not ours


@dataclass(frozen=True, slots=True)
class FixtureStatus:
    """A fixture in force: where it stands, how often it has answered here, whether it is the session's own."""

    name: str
    source: str
    hits: int
    own: bool


class Session(AccountMethods):
    """What one test owns of a server: fixtures in front of the shared ones, faults, counters, and its requests.

    Each vendor of the server is an attribute (`session.NAME.openai()`), or `session.vendor("NAME")`.

    Every method raises InputError for what the server finds wrong in its arguments, TypeError for a keyword that
    does not exist, and ConnectionError where no server answers. They may be called from any thread. They block
    for a moment, `wait_for` for as long as it waits.
    """

    def __init__(self, client: ControlClient, name: str | None) -> None:
        """`name` is None for all sessions, and what they share."""
        self._client = client
        self._name = name
        self._stub_counts: Counter[str] = Counter()

    @property
    def name(self) -> str | None:
        return self._name

    @property
    def url(self) -> str:
        """Where the vendors' paths begin, as `http://127.0.0.1:8402/s/NAME`."""
        return self._client.root if self._name is None else f"{self._client.root}/s/{self._name}"

    def on(self, **match: Unpack[MatchArguments]) -> Stub:
        """The requests that are like this; without arguments, all of them. What is said last is asked first."""
        check_keywords("on()", match, MatchArguments)
        return Stub(self, match)

    def fail(self, error: int | str | None = None, **failure: Unpack[FailArguments]) -> None:
        """Spoil the requests that match, whatever would answer them.

        `error` is a status from 400 to 599 or a kind like "insufficient_credits", in the vendor's words; it may
        be left out where there is a `fault` or a `delay`. Without `times` and `for_` it stays until `reset`. The
        rule that was laid last is asked first.
        """
        check_keywords("fail()", failure, FailArguments)
        rule = {"match": select_keywords(failure, MatchArguments), **select_keywords(failure, FaultArguments)}
        self._client.post("/faults", self._name, rule if error is None else rule | {"error": error})

    def load(self, *paths: str | Path) -> dict[str, str]:
        """The fixtures of files and folders, in front of all others: by name, where each stands.

        Raises InputError with every problem of every file.
        """
        shelf = load_fixture_set(map(Path, paths))  # what is wrong is told with its file and line
        files = {file.resolve(): file for path in paths for file in list_fixture_files(Path(path))}
        added = [self._post_fixtures(read_text_file(file).encode()) for file in reversed(files.values())]
        names = (name for some in reversed(added) for name in some)
        return {name: f"{one.source}: {one.name}" for name, one in zip(names, shelf, strict=True)}

    @property
    def requests(self) -> list[Request]:
        """The requests so far, in the order in which they arrived."""
        told = self._client.get("/requests", self._name, limit=_REQUEST_LIMIT)["requests"]
        return [parse_recorded_request(one, self._fetch_details) for one in reversed(told)]

    @property
    def fixtures(self) -> list[FixtureStatus]:
        """The fixtures that requests meet here, in the order in which they are asked."""
        told = self._client.get("/fixtures", self._name)["fixtures"]
        return [
            FixtureStatus(one["name"], one["source"], one["hits"], one["scope"] == "session") for one in told
        ]

    def assert_called(self, count: int | None = None, **match: Unpack[MatchArguments]) -> None:
        """AssertionError unless so many requests match; without `count`, at least one."""
        self._verify("assert_called()", match, count={"min": 1} if count is None else _check_count(count))

    def assert_not_called(self, **match: Unpack[MatchArguments]) -> None:
        """AssertionError when any request matches."""
        self._verify("assert_not_called()", match, count=0)

    def wait_for(self, count: int = 1, within: str = "5s", **match: Unpack[MatchArguments]) -> None:
        """Return as soon as at least so many requests have matched; AssertionError when that takes longer.

        `within` is a duration with its unit. It blocks: on an event loop that must go on meanwhile, write
        `await asyncio.to_thread(session.wait_for, ...)`.
        """
        self._verify("wait_for()", match, within, count={"min": _check_count(count)})

    def reset(self) -> None:
        """Forget its requests, fixtures, faults, counters and accounts, and begin again with what the files say."""
        self._client.post("/reset", self._name)

    def vendor(self, name: str) -> VendorEndpoint:
        """How clients reach a vendor in this session. Raises LookupError for one that the server does not have."""
        vendors = self._client.vendors
        if name not in vendors:
            there = ", ".join(vendors) or "none"
            raise LookupError(f"no vendor {name!r}{did_you_mean(name, vendors)} This server has: {there}")
        return VendorEndpoint.from_vendor_data(vendors[name], name, self.url)

    def __getattr__(self, name: str) -> VendorEndpoint:
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        vendors = {vendor.replace("-", "_"): vendor for vendor in self._client.vendors}
        if name not in vendors:
            own = [word for word in dir(type(self)) if not word.startswith("_")]
            raise AttributeError(
                f"a {type(self).__name__} has no {name!r}{did_you_mean(name, (*own, *vendors))} "
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
        while status == 409:  # somebody else has made one of this name in the same session
            named = {"name": self._stub_name(match), **fixture}
            status, answer = self._client.send("POST", "/fixtures", self._name, named)
        self._client.check_response(status, answer)

    def _stub_name(self, match: MatchArguments) -> str:
        """What a fixture made here is called, in messages too."""
        # What all share has other names than what a session has, whose own would hide it.
        name = f"{'server.' if self._name is None else ''}on({format_arguments(match)})"
        self._stub_counts[name] += 1
        return name if self._stub_counts[name] == 1 else f"{name} #{self._stub_counts[name]}"

    def _post_fixtures(self, fixtures: object) -> list[str]:
        added: list[str] = self._client.post("/fixtures", self._name, fixtures)["fixtures"]
        return added

    def _fetch_details(self, identifier: str) -> Mapping[str, Any]:
        told: Mapping[str, Any] = self._client.get(f"/requests/{identifier}")
        return told

    def _verify(self, caller: str, match: MatchArguments, within: str | None = None, **query: Any) -> None:
        check_keywords(caller, match, MatchArguments)
        query["match"] = match
        seconds = 0.0
        if within is not None:
            seconds = parse_duration(str(within))
            query["within"] = within
        status, answer = self._client.send(
            "POST", "/verify", self._name, query, timeout=DEFAULT_TIMEOUT + seconds
        )
        if status == 409:
            hint = _BLOCKED_LOOP_HINT if within is not None and _is_on_event_loop() else ""
            raise AssertionError(f"{self._verify_failure_message(answer['error'])}{hint}")
        self._client.check_response(status, answer)

    def _verify_failure_message(self, error: Mapping[str, Any]) -> str:
        """What was expected, and every request with what it has and lacks."""
        requests = self.requests
        said, lacking, _ = error["message"].partition(". Nearest: ")
        nearest = error.get("nearest", ()) if lacking else ()
        unlike = {one["id"]: parse_mismatches(one["differences"]) for one in nearest}
        lines = [] if requests else [f"no request has reached {self.url}"]
        if len(requests) > _MAX_LISTED:
            lines.append(f"({len(requests) - _MAX_LISTED} earlier ones are left out)")
        for one in requests[-_MAX_LISTED:]:
            lines.append(f"{'+' if one.id in error.get('requests', ()) else '-'} {one}")
            lines += [f"    {difference}" for difference in unlike.get(one.id, ())]
        return "\n".join([said, *(f"  {line}" for line in lines)])


class Stub:
    """Some of a session's requests, and what becomes of them."""

    def __init__(self, session: Session, match: MatchArguments) -> None:
        self._session = session
        self._match = match

    def reply(
        self,
        *responses: ReplyArgument,
        then: ThenArgument | None = None,
        **response: Unpack[ResponseArguments],
    ) -> None:
        """Answer with a text, with a response in keywords (`json=...`, `tool_calls=[...]`), or with both.

        Several are said one after the other: texts, statuses (`503`), or mappings of a response's keywords.
        `then` says what follows the last: "repeat_last", as it is without it; "cycle"; or "no_match".
        """
        check_keywords("reply()", response, ResponseArguments)
        if response:
            if len(responses) > 1 or not all(isinstance(one, str) for one in responses):
                raise TypeError(
                    f"reply(): {format_arguments(response)} goes with one text, or stands alone; {_MAPPING_HINT}"
                )
            responses = ({**response, **({"text": responses[0]} if responses else {})},)
        if not responses:
            raise TypeError('reply() with what? Give a text, or a response like json={"ok": True}')
        self._session._add_stub(self._match, [_expand_reply(one) for one in responses], then)  # noqa: SLF001

    def fail(self, error: int | str | None = None, **fault: Unpack[FaultArguments]) -> Self:
        """Spoil them, as `Session.fail` does; what they would hear otherwise is still to be said."""
        check_keywords("fail()", fault, FaultArguments)
        self._session.fail(error, **self._match, **fault)
        return self


class Remote(Session):
    """A server that runs elsewhere, by its root: `Remote("http://127.0.0.1:8402")`.

    Itself it stands for all sessions: `requests` are everybody's, and what is told to it is shared by all.
    `token` is the server's admin token, where it has one. Raises ValueError for a root that is no URL.
    """

    def __init__(self, root: str, token: str | None = None) -> None:
        super().__init__(ControlClient(root, token), None)

    def session(self, name: str | None = None) -> Session:
        """A session of its own; a new one unless it is named. Raises ValueError for what cannot be a name."""
        if name is not None and not is_session_name(name):
            raise ValueError(f"found {name!r}, expected 1 to 64 letters, digits, '.', '_' and '-'")
        return Session(self._client, name or f"test-{secrets.token_hex(6)}")


def _expand_reply(reply: ReplyArgument) -> dict[str, Any]:
    """A response in its long form. A text is always said: a kind of error is for `fail`."""
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
        raise TypeError(f"found {count!r}, expected a number of requests; what they say is user={count!r}")
    return count


def _is_on_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


_REQUEST_LIMIT = 1_000_000  # requests; a journal holds fewer
_MAX_LISTED = 20  # requests that a message lists
_MAPPING_HINT = 'several are given as mappings, {"text": "Sunny", "delay": "1s"}'
_BLOCKED_LOOP_HINT = (
    "\nwait_for() has kept this thread's event loop from running. A client that lives on it could not ask: "
    "write `await asyncio.to_thread(session.wait_for, ...)`."
)
