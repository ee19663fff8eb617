"""The texts of the pytest plugin: unmatched requests, stubs without a reply, requests to other sessions."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from mockserver.client.proxy_hint import describe_proxy
from mockserver.client.recorded_request import Request
from mockserver.client.session_client import Session, Stub
from mockserver.schema.messages import format_count

_MAX_LISTED = 50  # requests in a report, and in a message
_MAX_NEAR_MISSES = 3  # of each request


def format_report(
    session: Session,
    requests: Sequence[Request],
    explained: Collection[Request] = (),
    incomplete: str = "",
) -> list[str]:
    """Return the requests of a failed test, one per line, with what explains an unmatched or refused one below it.

    `explained` are the requests that the message of the failure explains already; `incomplete` is why requests are
    missing, if they are.
    """
    known = {request.id for request in explained}
    lines = [f"session {session.url}"]
    if incomplete:
        lines.append(incomplete)
    elif not requests:
        lines += ["no request has reached it", *describe_proxy(session.url)]
    if len(requests) > _MAX_LISTED:
        lines.append(f"({len(requests) - _MAX_LISTED} earlier requests omitted)")
    for number, request in list(enumerate(requests, 1))[-_MAX_LISTED:]:
        lines.append(f"{number}. {request}")
        lines += [f"   {line}" for line in _explanation_lines(request) if request.id not in known]
    return lines


def _explanation_lines(request: Request) -> list[str]:
    """Return the nearest fixtures of an unmatched request, or the reason of a refusal that its line truncates."""
    if not request.unmatched:
        is_shown = request.status < 400 or bool(request.rule) or request.reason in str(request)
        return [] if is_shown else [f"  {request.reason}"]
    try:
        lines = request.explain(_MAX_NEAR_MISSES).splitlines()[1:] or ["  there are no fixtures"]
        return [line for line in lines if line.strip() not in str(request)]
    except LookupError as error:  # it was evicted, or the test has reset its session
        return [f"  {error}"]


def format_problems(unmatched: Sequence[Request], stubs: Iterable[Stub]) -> str:
    """Return the message of a test that fails for its unmatched requests and stubs; empty without either."""
    parts = format_incomplete_stubs(stubs)
    if unmatched:
        subject = "A request" if len(unmatched) == 1 else format_count(len(unmatched), "request")
        parts.append(f"{subject} matched no fixture:")
        for request in unmatched[:_MAX_LISTED]:
            parts += [str(request), *_explanation_lines(request)]
        parts += [f"({len(unmatched) - _MAX_LISTED} more)"] if len(unmatched) > _MAX_LISTED else []
        parts.append(
            "Set a response with mockserver.on(...).reply(...), or allow generated replies: "
            "@pytest.mark.mockserver(strict=False)"
        )
    return "\n".join(parts)


def format_incomplete_stubs(stubs: Iterable[Stub]) -> list[str]:
    """Return a line for each stub without a reply, with the position of its `on`."""
    return [f"{_shorten_path(one.position)}: {one} has no effect without .reply(...)" for one in stubs]


def format_late_requests(requests: Iterable[Request], test_names: Mapping[str, str]) -> list[str]:
    """Return a line for each ended test whose session the requests have reached; `test_names` is by session."""
    return [
        f"{format_count(count, 'request')} reached the session of {test_names[session]}, which has ended: "
        "is a client kept between tests?"
        for session, count in Counter(request.session for request in requests).items()
    ]


def format_stray_requests(requests: Iterable[Request], session: Session) -> list[str]:
    """Return a line for each session that got requests instead of that of a test; they belong to no test."""
    return [
        f"{format_count(count, 'request')} reached the session {name} instead: "
        f"use the URL of the test's session, {session.url}"
        for name, count in Counter(request.session for request in requests).items()
    ]


def _shorten_path(position: str) -> str:
    """Return a path relative to the working directory if it is below it."""
    return position.removeprefix(os.getcwd() + os.sep)  # noqa: PTH109 a text, with which the position begins
