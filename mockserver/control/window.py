"""The live page: its files as they stand in the package, under a policy that lets in nothing from elsewhere."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp

from mockserver import document
from mockserver.chat import Line
from mockserver.control.guard import Guard
from mockserver.control.refusal import Refused, told
from mockserver.document import clipped
from mockserver.settings import PREFIX

ROOT = Path(__file__).with_name("page")


@dataclass(frozen=True, slots=True)
class File:
    """One file of the page, ready to send."""

    body: bytes
    kind: str
    tag: str


def window(line: Line) -> ASGIApp:
    """The page at `/` and its files. They tell nothing, so that nobody needs the token to see them."""
    routes = [Route("/", show), Route(PREFIX + "/page/{file:path}", show)]
    app = Router(routes, redirect_slashes=False)
    # With a token any name may be used, as for the control API; without one the same names as there.
    return app if line.settings.admin_token else Guard(app, None, line.settings.host)


async def show(request: Request) -> Response:
    """One file, whole, or that the browser has it already."""
    name = request.path_params.get("file", "index.html")
    file = files().get(name)
    if file is None:
        return told(Refused(404, f"the page has no file {clipped(name)!r}"))
    headers = {"etag": file.tag, "content-type": file.kind, **_HEADERS}
    if file.tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(file.body, 200, headers)


@cache
def files() -> dict[str, File]:
    """Every file by its path below the page's folder; read when somebody first looks."""
    known = {}
    for path in sorted(ROOT.rglob("*.*")):
        body = document.text(path).encode()
        tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        known[path.relative_to(ROOT).as_posix()] = File(body, f"{_KINDS[path.suffix]}; charset=utf-8", tag)
    return known


_KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

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
