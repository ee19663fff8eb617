"""A server seen from outside, and its sessions: what a test tells them, and what it asks them afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, Unpack

from mockserver import document, duration, keywords, origin, seen
from mockserver.access import Access
from mockserver.keywords import Failure, Fault, Match, Response, Then
from mockserver.link import PATIENCE, Link
from mockserver.seen import Request
from mockserver.shape import meant
from mockserver.shelf import library
from mockserver.spending import Purse

Said = str | int | Mapping[str, Any]
__tracebackhide__ = True  # a failed test shows its own line, not ours


@dataclass(frozen=True, slots=True)
class Fixture:
    """A fixture in force: where it stands, how often it has answered here, whether it is the session's own."""

    name: str
    source: str
    hits: int
    own: bool


class Session(Purse):
    """What one test owns of a server: fixtures in front of the shared ones, faults, counters, and its requests.

    Each vendor of the server is an attribute (`session.NAME.openai()`), or `session.vendor("NAME")`.

    Every method raises InputError for what the server finds wrong in its arguments, TypeError for a keyword that
    does not exist, and ConnectionError where no server answers. They may be called from any thread. They block
    for a moment, `wait_for` for as long as it waits.
    """

    def __init__(self, link: Link, name: str | None) -> None:
        """`name` is None for all sessions, and what they share."""
        self._link = link
        self._name = name
        self._names: Counter[str] = Counter()

    @property
    def name(self) -> str | None:
        return self._name

    @property
    def url(self) -> str:
        """Where the vendors' paths begin, as `http://127.0.0.1:8402/s/NAME`."""
        return self._link.root if self._name is None else f"{self._link.root}/s/{self._name}"

    def on(self, **match: Unpack[Match]) -> On:
        """The requests that are like this; without arguments, all of them. What is said last is asked first."""
        keywords.known("on()", match, Match)
        return On(self, match)

    def fail(self, error: int | str | None = None, **failure: Unpack[Failure]) -> None:
        """Spoil the requests that match, whatever would answer them.

        `error` is a status from 400 to 599 or a kind like "insufficient_credits", in the vendor's words; it may
        be left out where there is a `fault` or a `delay`. Without `times` and `for_` it stays until `reset`. The
        rule that was laid last is asked first.
        """
        keywords.known("fail()", failure, Failure)
        rule = {"match": keywords.part(failure, Match), **keywords.part(failure, Fault)}
        self._link.post("/faults", self._name, rule if error is None else rule | {"error": error})

    def load(self, *paths: str | Path) -> dict[str, str]:
        """The fixtures of files and folders, in front of all others: by name, where each stands.

        Raises InputError with every problem of every file.
        """
        shelf = library.load(map(Path, paths))  # what is wrong is told with its file and line
        files = {file.resolve(): file for path in paths for file in library.files(Path(path))}
        added = [self._add(document.text(file).encode()) for file in reversed(files.values())]
        names = (name for some in reversed(added) for name in some)
        return {name: f"{one.source}: {one.name}" for name, one in zip(names, shelf, strict=True)}

    @property
    def requests(self) -> list[Request]:
        """The requests so far, in the order in which they arrived."""
        told = self._link.get("/requests", self._name, limit=_ALL)["requests"]
        return [seen.read(one, self._details) for one in reversed(told)]

    @property
    def fixtures(self) -> list[Fixture]:
        """The fixtures that requests meet here, in the order in which they are asked."""
        told = self._link.get("/fixtures", self._name)["fixtures"]
        return [Fixture(one["name"], one["source"], one["hits"], one["of"] == "session") for one in told]

    def assert_called(self, count: int | None = None, **match: Unpack[Match]) -> None:
        """AssertionError unless so many requests match; without `count`, at least one."""
        self._verify("assert_called()", match, count={"min": 1} if count is None else _number(count))

    def assert_not_called(self, **match: Unpack[Match]) -> None:
        """AssertionError when any request matches."""
        self._verify("assert_not_called()", match, count=0)

    def wait_for(self, count: int = 1, within: str = "5s", **match: Unpack[Match]) -> None:
        """Return as soon as at least so many requests have matched; AssertionError when that takes longer.

        `within` is a duration with its unit. It blocks: on an event loop that must go on meanwhile, write
        `await asyncio.to_thread(session.wait_for, ...)`.
        """
        self._verify("wait_for()", match, within, count={"min": _number(count)})

    def reset(self) -> None:
        """Forget its requests, fixtures, faults, counters and accounts, and begin again with what the files say."""
        self._link.post("/reset", self._name)

    def vendor(self, name: str) -> Access:
        """How clients reach a vendor in this session. Raises LookupError for one that the server does not have."""
        vendors = self._link.vendors
        if name not in vendors:
            there = ", ".join(vendors) or "none"
            raise LookupError(f"no vendor {name!r}{meant(name, vendors)} This server has: {there}")
        return Access.of(vendors[name], name, self.url)

    def __getattr__(self, name: str) -> Access:
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        vendors = {vendor.replace("-", "_"): vendor for vendor in self._link.vendors}
        if name not in vendors:
            own = [word for word in dir(type(self)) if not word.startswith("_")]
            raise AttributeError(
                f"a {type(self).__name__} has no {name!r}{meant(name, (*own, *vendors))} "
                f"The vendors of this server are: {', '.join(vendors) or 'none'}"
            )
        return self.vendor(vendors[name])

    def __dir__(self) -> Iterable[str]:
        known = list(super().__dir__())
        with contextlib.suppress(ConnectionError):
            known += [vendor.replace("-", "_") for vendor in self._link.vendors]
        return known

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.url}>"

    def _answer(self, match: Match, responses: list[dict[str, Any]], then: Then | None) -> None:
        fixture: dict[str, Any] = {"match": match, "responses": responses}
        if then is not None:
            fixture["then"] = then
        elif len(responses) == 1:
            fixture = {"match": match, "response": responses[0]}
        status: int = 409
        while status == 409:  # somebody else has made one of this name in the same session
            named = {"name": self._called(match), **fixture}
            status, answer = self._link.send("POST", "/fixtures", self._name, named)
        self._link.told(status, answer)

    def _called(self, match: Match) -> str:
        """What a fixture made here is called, in messages too."""
        # What all share has other names than what a session has, whose own would hide it.
        name = f"{'server.' if self._name is None else ''}on({keywords.spelled(match)})"
        self._names[name] += 1
        return name if self._names[name] == 1 else f"{name} #{self._names[name]}"

    def _add(self, fixtures: object) -> list[str]:
        added: list[str] = self._link.post("/fixtures", self._name, fixtures)["fixtures"]
        return added

    def _details(self, identifier: str) -> Mapping[str, Any]:
        told: Mapping[str, Any] = self._link.get(f"/requests/{identifier}")
        return told

    def _verify(self, who: str, match: Match, within: str | None = None, **asked: Any) -> None:
        keywords.known(who, match, Match)
        asked["match"] = match
        seconds = 0.0
        if within is not None:
            seconds = duration.seconds(str(within))
            asked["within"] = within
        status, answer = self._link.send("POST", "/verify", self._name, asked, patience=PATIENCE + seconds)
        if status == 409:
            hint = _BLOCKED if within is not None and _on_a_loop() else ""
            raise AssertionError(f"{self._unmet(answer['error'])}{hint}")
        self._link.told(status, answer)

    def _unmet(self, error: Mapping[str, Any]) -> str:
        """What was expected, and every request with what it has and lacks."""
        requests = self.requests
        said, lacking, _ = error["message"].partition(". Nearest: ")
        nearest = error.get("nearest", ()) if lacking else ()
        unlike = {one["id"]: seen.differences(one["differences"]) for one in nearest}
        lines = [] if requests else [f"no request has reached {self.url}"]
        if len(requests) > _TOLD:
            lines.append(f"({len(requests) - _TOLD} earlier ones are left out)")
        for one in requests[-_TOLD:]:
            lines.append(f"{'+' if one.id in error.get('requests', ()) else '-'} {one}")
            lines += [f"    {difference}" for difference in unlike.get(one.id, ())]
        return "\n".join([said, *(f"  {line}" for line in lines)])


class On:
    """Some of a session's requests, and what becomes of them."""

    def __init__(self, session: Session, match: Match) -> None:
        self._session = session
        self._match = match

    def reply(self, *said: Said, then: Then | None = None, **response: Unpack[Response]) -> None:
        """Answer with a text, with a response in keywords (`json=...`, `tool_calls=[...]`), or with both.

        Several are said one after the other: texts, statuses (`503`), or mappings of a response's keywords.
        `then` says what follows the last: "repeat_last", as it is without it; "cycle"; or "no_match".
        """
        keywords.known("reply()", response, Response)
        if response:
            if len(said) > 1 or not all(isinstance(one, str) for one in said):
                raise TypeError(
                    f"reply(): {keywords.spelled(response)} goes with one text, or stands alone; {_MAP}"
                )
            said = ({**response, **({"text": said[0]} if said else {})},)
        if not said:
            raise TypeError('reply() with what? Give a text, or a response like json={"ok": True}')
        self._session._answer(self._match, [_response(one) for one in said], then)  # noqa: SLF001

    def fail(self, error: int | str | None = None, **fault: Unpack[Fault]) -> Self:
        """Spoil them, as `Session.fail` does; what they would hear otherwise is still to be said."""
        keywords.known("fail()", fault, Fault)
        self._session.fail(error, **self._match, **fault)
        return self


class Remote(Session):
    """A server that runs elsewhere, by its root: `Remote("http://127.0.0.1:8402")`.

    Itself it stands for all sessions: `requests` are everybody's, and what is told to it is shared by all.
    `token` is the server's admin token, where it has one. Raises ValueError for a root that is no URL.
    """

    def __init__(self, root: str, token: str | None = None) -> None:
        super().__init__(Link(root, token), None)

    def session(self, name: str | None = None) -> Session:
        """A session of its own; a new one unless it is named. Raises ValueError for what cannot be a name."""
        if name is not None and not origin.is_session(name):
            raise ValueError(f"found {name!r}, expected 1 to 64 letters, digits, '.', '_' and '-'")
        return Session(self._link, name or f"test-{secrets.token_hex(6)}")


def _response(said: Said) -> dict[str, Any]:
    """A response in its long form. A text is always said: a kind of error is for `fail`."""
    match said:
        case str():
            return {"text": said}
        case bool():
            pass
        case int():
            return {"error": said}
        case Mapping():
            keywords.known("reply()", said, Response)
            return dict(said)
    raise TypeError(f"reply(): found {said!r}, expected a text, a status or a mapping")


def _number(count: object) -> int:
    if not isinstance(count, int) or isinstance(count, bool):
        raise TypeError(f"found {count!r}, expected a number of requests; what they say is user={count!r}")
    return count


def _on_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


_ALL = 1_000_000  # requests; a journal holds fewer
_TOLD = 20  # requests that a message lists
_MAP = 'several are given as mappings, {"text": "Sunny", "delay": "1s"}'
_BLOCKED = (
    "\nwait_for() has kept this thread's event loop from running. A client that lives on it could not ask: "
    "write `await asyncio.to_thread(session.wait_for, ...)`."
)
