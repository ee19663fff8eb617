"""The law of state: what requests leave behind is in the session store, and nowhere else.

Everything that the application and the variables of its modules lead to is compared before and after a mix of requests.
The same mix has been served before, in another session, so that what is made only once is made already.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import json
import sys
from collections import deque
from collections.abc import Callable, Iterator
from types import FunctionType, MethodType
from typing import Any

import pytest
from starlette.types import ASGIApp, Message

from mockserver import pipeline as pipeline_module
from mockserver.memoize import BoundedCache, Memo
from mockserver.pipeline import ChatPipeline
from mockserver.server.app import create_app, create_pipeline
from mockserver.settings import Settings
from mockserver.wire.playback import Playback

FIXTURES = """
fixtures:
- {name: plain, match: {user: plain}, response: {text: Hi there., stream: {chunk: word}}}
- {name: turns, match: {user: turns}, responses: [one, two], then: cycle}
- {name: filled, match: {user: filled}, response: {template: true, text: "{{ fake.name() }} of {{ user }}"}}
- {name: broken, match: {user: broken}, response: {text: Hi there., fault: truncated_json@1}}
accounts:
- {key: sk-known, balance: $1, rate_limit: 3/minute}
faults:
- {match: {user: seldom}, error: 503, times: 1}
plan:
- {at: 0s, match: {user: planned}, error: 503}
"""
CHAT = "/aimlapi/v1/chat/completions"
# The store may change; so may caches, which hold only what can be computed again, and the random numbers in stock.
EXEMPT = (BoundedCache, Memo)
EXEMPT_MODULES = ("mockserver.sessions.", "mockserver.vendors.ids")
OPEN_PACKAGES = ("mockserver", "starlette")  # whose objects are looked into


async def ask(
    app: ASGIApp, method: str, target: str, body: object = None, headers: dict[str, str] | None = None
) -> int:
    """Send one request as a server does, its client gone when it has the answer; return the status."""
    path, _, query = target.partition("?")
    sent: list[Message] = []
    lines = {"host": "localhost", "content-type": "application/json", "authorization": "Bearer k"}
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(key.encode(), value.encode()) for key, value in (lines | (headers or {})).items()],
    }
    arrives = [
        {"type": "http.request", "body": b"" if body is None else json.dumps(body).encode()},
    ]

    async def receive() -> Message:
        return arrives.pop() if arrives else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return int(sent[0]["status"])


async def ask_for_everything(app: ASGIApp, session: str) -> None:
    """Send a request of every kind that leaves something behind; check that it reaches its subject."""

    async def chat(user: str, expected: int = 200, key: str = "k", **more: Any) -> None:
        headers = {"x-mock-session": session, "authorization": f"Bearer {key}"}
        headers |= {name: more.pop(name) for name in [*more] if name.startswith("x-mock")}
        body = {"model": f"gpt-4o-{session}", "messages": [{"role": "user", "content": user}], **more}
        # A vendor may answer 201, and an error has the vendor's own status.
        assert await ask(app, "POST", CHAT, body, headers) // 100 == expected // 100, user

    async def control(method: str, target: str, body: object = None, expected: int = 200) -> None:
        mark = "&" if "?" in target else "?"
        assert await ask(app, method, f"/_mock{target}{mark}session={session}", body) == expected, target

    for user in ("plain", "turns", "turns", "filled", "broken", f"no fixture has {session}"):
        await chat(user)
        await chat(user, stream=True)
    await chat("planned", 503)
    await chat("seldom", 503)
    await chat("seldom")
    await chat("plain", 429, **{"x-mock-error": "429"})
    await chat("plain", key="sk-known")
    await chat("plain", 401, key="")
    assert await ask(app, "GET", f"/nowhere/{session}") == 404
    job = {"messages": [{"role": "user", "content": session}]}
    assert await ask(app, "POST", f"/s/{session}/segmind/v2/o1-preview", job, {"x-api-key": "k"}) // 100 == 2
    await control("POST", "/fixtures", {"fixtures": [{"match": {"user": session}, "response": "x"}]}, 201)
    await control("POST", "/faults", {"match": {"user": "rare"}, "error": 500, "times": 1}, 201)
    await control("POST", "/clock", {"advance": "1m"})
    await control("POST", "/explain", {"model": "gpt-4o", "messages": [{"role": "user", "content": "plain"}]})
    await control("GET", "/requests")
    await control("GET", "/events")
    await control("GET", "/accounts")
    assert await ask(app, "GET", "/metrics") == 200


Parts = Iterator[tuple[str, Any]]  # the objects that a value holds, each with the text that leads to it


def parts_of(value: Any) -> Parts:
    if not isinstance(value, EXEMPT) and not str(getattr(value, "__module__", "")).startswith(EXEMPT_MODULES):
        for kinds, list_parts in KINDS:
            if isinstance(value, kinds):
                return list_parts(value)
        if type(value).__module__.startswith(OPEN_PACKAGES):
            return list_attributes(value)
    return iter(())


def list_function_parts(function: FunctionType) -> Parts:
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    yield from ((f"<{name}>", cell.cell_contents) for name, cell in cells)
    yield from ((f"<{name}>", part) for name, part in enumerate(function.__defaults__ or ()))


def list_attributes(value: Any) -> Parts:
    yield from ((f".{name}", part) for name, part in getattr(value, "__dict__", {}).items())
    names = (name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ()))
    yield from ((f".{name}", getattr(value, name)) for name in names if hasattr(value, name))


def list_class_parts(value: type) -> Parts:
    if value.__module__.startswith("mockserver"):
        yield from ((f".{name}", part) for name, part in vars(value).items())


KINDS: tuple[tuple[Any, Callable[[Any], Parts]], ...] = (
    (dict, lambda value: ((f"[{key!r}]", part) for key, part in value.items())),
    (
        list | tuple | set | frozenset | deque,
        lambda value: ((f"[{number}]", part) for number, part in enumerate(value)),
    ),
    (FunctionType, list_function_parts),
    (MethodType, lambda value: iter([(".__self__", value.__self__), (".__func__", value.__func__)])),
    (functools.partial, lambda value: iter([(".func", value.func), (".args", value.args)])),
    (type, list_class_parts),
)


def describe(value: Any) -> object:
    """Return what tells a value from the one that is in its place later: its identity, or the value of a scalar."""
    if value is None or isinstance(value, str | bytes | int | float | itertools.count):
        return repr(value)
    return id(value)


class Picture:
    """Everything that some roots lead to, as it is now. It holds the objects, so that no other gets their identity."""

    def __init__(self, roots: dict[str, Any]) -> None:
        self.held: dict[int, tuple[str, Any, dict[str, object]]] = {}
        pending = deque(roots.items())
        while pending:
            path, value = pending.popleft()
            if id(value) not in self.held:
                parts = list(parts_of(value))
                self.held[id(value)] = path, value, {name: describe(part) for name, part in parts}
                pending += [(path + name, part) for name, part in parts]

    def changes_until(self, later: Picture) -> list[str]:
        """Return the paths of the objects in this picture that hold something else in a later one."""
        return sorted(
            path
            for identity, (path, _, parts) in self.held.items()
            if identity in later.held and later.held[identity][2] != parts
        )


def take_picture(app: ASGIApp) -> Picture:
    modules = {name: vars(module) for name, module in sys.modules.items() if name.startswith("mockserver.")}
    modules = {name: one for name, one in modules.items() if not name.startswith(EXEMPT_MODULES)}
    return Picture({"app": app, **modules})


def find_changes(prepare: Callable[[ChatPipeline], None] = lambda _: None) -> list[str]:
    """Serve the mix in one session, then in another; return what the second one has changed outside of the store."""
    settings = Settings(fixtures_yaml=FIXTURES, reload=False, page=False, seed=1, tokenizer="estimate")
    pipeline = create_pipeline(settings, Playback(), lambda _: None)
    app = create_app(pipeline, lambda _: None)
    prepare(pipeline)

    async def run() -> list[str]:
        for session in ("first", "second"):
            await ask_for_everything(app, session)
        before = take_picture(app)
        await ask_for_everything(app, "third")
        return before.changes_until(take_picture(app))

    return asyncio.run(run())


def test_requests_leave_nothing_outside_of_the_store() -> None:
    assert find_changes() == []


def plant_attribute(pipeline: ChatPipeline) -> None:
    seen: list[str] = []
    pipeline.on_request_end = lambda entry: seen.append(entry.id)


def plant_variable(pipeline: ChatPipeline) -> None:
    answered = pipeline_module.__dict__["planted"] = {"count": 0}

    def count(*_: object) -> None:
        answered["count"] += 1

    pipeline.on_request_end = count


def plant_counter(pipeline: ChatPipeline) -> None:
    numbers = itertools.count()

    def count(*_: object) -> None:
        next(numbers)

    pipeline.on_request_end = count


def plant_field(pipeline: ChatPipeline) -> None:
    def note(*_: object) -> None:
        pipeline.load_problems = ()
        pipeline.responder.render_cache.last = object()  # type: ignore[attr-defined]

    pipeline.on_request_end = note


@pytest.mark.parametrize(
    ("plant", "place"),
    [
        (plant_attribute, "app.pipeline.on_request_end<seen>"),
        (plant_variable, "mockserver.pipeline['planted']"),
        (plant_counter, "app.pipeline.on_request_end"),
        (plant_field, "app.pipeline.responder.render_cache"),
    ],
)
def test_state_elsewhere_is_found(plant: Callable[[ChatPipeline], None], place: str) -> None:
    try:
        assert place in find_changes(plant)
    finally:
        pipeline_module.__dict__.pop("planted", None)
