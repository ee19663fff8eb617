"""The static files of the web UI, served with a Content-Security-Policy that allows no other origin."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router, request_response
from starlette.types import ASGIApp

from mockserver.admin.error_responses import AdminError, create_error_response
from mockserver.admin.guard import HostGuard
from mockserver.pipeline import ChatPipeline
from mockserver.schema.messages import truncate_text
from mockserver.schema.yaml_document import read_text_file
from mockserver.settings import ADMIN_PREFIX

PAGE_ROOT = Path(__file__).with_name("page")


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file of the web UI, ready to send."""

    body: bytes
    media_type: str
    etag: str


def create_ui_app(pipeline: ChatPipeline) -> ASGIApp:
    """Return the application that serves the UI at `/` and its files.

    The files contain no data of the server, so that no token is needed to read them.
    """
    routes = [Route("/", serve_file), Route(ADMIN_PREFIX + "/page/{file:path}", serve_file)]
    # In Starlette's patterns `.` does not match a line feed, and `$` matches before one.
    router = Router(routes, redirect_slashes=False, default=request_response(report_no_file))
    return HostGuard(router, pipeline.settings)


async def serve_file(request: Request) -> Response:
    """Return a file, or 304 if the browser has it already."""
    file = load_static_files().get(_file_name(request))
    if file is None:
        return await report_no_file(request)
    headers = {"etag": file.etag, "content-type": file.media_type, **_HEADERS}
    if file.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(file.body, 200, headers)


async def report_no_file(request: Request) -> Response:
    """Return a 404 for a path that is no file's."""
    message = f"the web UI has no file {truncate_text(_file_name(request))!r}"
    return create_error_response(AdminError(404, message))


def _file_name(request: Request) -> str:
    path: str = request.scope["path"]
    return "index.html" if path == "/" else path.removeprefix(f"{ADMIN_PREFIX}/page/")


@cache
def load_static_files() -> dict[str, StaticFile]:
    """Read every file of the UI once; return them by their path below its folder."""
    files = {}
    for path in sorted(PAGE_ROOT.rglob("*.*")):
        body = read_text_file(path).encode()
        tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        files[path.relative_to(PAGE_ROOT).as_posix()] = StaticFile(
            body, f"{_MEDIA_TYPES[path.suffix]}; charset=utf-8", tag
        )
    return files


_MEDIA_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

_POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
)
_HEADERS = {
    "content-security-policy": "; ".join(_POLICY),
    "cache-control": "no-cache",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
