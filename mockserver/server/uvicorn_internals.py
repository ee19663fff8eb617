"""The parts of uvicorn that are not its public interface, with fallbacks for versions without them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import cache, partial
from importlib import import_module
from typing import Any

import uvicorn

from mockserver.errors import InputError
from mockserver.wire.answer import GATEWAY_PHRASES

_HTTPTOOLS, _H11 = "uvicorn.protocols.http.httptools_impl", "uvicorn.protocols.http.h11_impl"
_PROTOCOL = (
    "_unset_keepalive_if_required",
    "app_state",
    "connection_made",
    "cycle",
    "send_400_response",
    "shutdown",
    "transport",
)
_PARSING = (
    "headers",
    "logger",
    "on_headers_complete",
    "on_message_complete",
    "parser",
)
_CYCLE = (
    "body",
    "default_headers",
    "disconnected",
    "flow",
    "keep_alive",
    "message_event",
    "more_body",
    "on_response",
    "receive",
    "response_complete",
    "response_started",
    "run_asgi",
    "transport",
    "waiting_for_100_continue",
)
_STARTING = (
    "_start_asgi_task",
    "flow",
    "loop",
    "on_response_complete",
    "pipeline",
    "server_state",
    "tasks",
)


def find_protocol(http: str) -> type[asyncio.Protocol] | None:
    """Return uvicorn's protocol class for `httptools` or `h11`; None, with a warning, if a part is missing."""
    names: tuple[str, ...] = _PROTOCOL
    path = f"{_H11}:H11Protocol"
    if http == "httptools":
        path, names = f"{_HTTPTOOLS}:HttpToolsProtocol", (*_PROTOCOL, *_PARSING)
    missing = _find_missing(path, names)
    if missing:
        _warn(missing, "faults that need the connection itself (reset, empty, garbage) are answered with 501")
        return None
    found: type[asyncio.Protocol] = _find(path)
    return found


def add_reason_phrases(http: str) -> None:
    """Add the reason phrases that Python does not know to uvicorn's table for `httptools` or `h11`, if it has one."""
    module, table, form = _HTTPTOOLS, "STATUS_LINE", "HTTP/1.1 {} {}\r\n"
    if http == "h11":
        module, table, form = _H11, "STATUS_PHRASES", "{1}"
    phrases: dict[int, bytes] = getattr(import_module(module), table, {})
    for status, phrase in GATEWAY_PHRASES.items():
        phrases[status] = form.format(status, phrase).encode()


def find_cycle() -> tuple[type, dict[int, bytes]] | None:
    """Return the class of a request and the status lines; None, with a warning, if a part is missing."""
    path, lines, flow = (
        f"{_HTTPTOOLS}:RequestResponseCycle",
        f"{_HTTPTOOLS}:STATUS_LINE",
        f"{_HTTPTOOLS}:FlowControl",
    )
    missing = (
        _find_missing(path, _CYCLE)
        or _find_missing(f"{_HTTPTOOLS}:HttpToolsProtocol", _STARTING)
        or _find_missing(flow, ("read_paused", "resume_reading", "write_paused"))
        or _find_missing("uvicorn.server:ServerState", ("total_requests",))
        or _find_missing(lines, ())
    )
    if missing:
        _warn(missing, "answers are sent as ASGI messages, which is slower")
        return None
    return _find(path), _find(lines)


def has_connections() -> bool:
    """Return whether a server knows its open connections; if not, warn."""
    missing = _find_missing("uvicorn.server:ServerState", ("connections",))
    if missing:
        _warn(missing, "connections that are open when the server stops are closed later")
    return not missing


def require_server() -> None:
    """Check the methods of `uvicorn.Server` that a subclass overrides. InputError if one is missing."""
    missing = _find_missing("uvicorn.server:Server", ("startup", "shutdown", "handle_exit"))
    if missing:
        raise InputError.from_message(
            f"uvicorn {uvicorn.__version__} has no {missing}: install another version of it"
        )


def get_protocol_factory(server: uvicorn.Server) -> Callable[[], asyncio.Protocol]:
    """Return the function that creates the protocol of a connection, as a started server does for its own socket."""
    protocol_class: Any = server.config.http_protocol_class
    return partial(
        protocol_class,
        config=server.config,
        server_state=server.server_state,
        app_state=server.lifespan.state,
    )


def _find(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)


def _find_missing(path: str, names: tuple[str, ...]) -> str:
    """Return the first part that is not there: the object at `module:name`, or one of its attributes."""
    try:
        found = _find(path)
    except (ImportError, AttributeError):
        return path
    # Attributes of instances are set in `__init__` or are fields, so that no instance is needed to find them.
    init_code = getattr(getattr(found, "__init__", None), "__code__", None)
    known = {*dir(found), *getattr(init_code, "co_names", ()), *getattr(found, "__annotations__", ())}
    return next((f"{path}.{name}" for name in names if name not in known), "")


@cache
def _warn(missing: str, without: str) -> None:
    """Warn once per process, on stderr unless the application has configured logging."""
    logging.getLogger("mockserver").warning(
        "mockserver: uvicorn %s has no %s: %s", uvicorn.__version__, missing, without
    )
