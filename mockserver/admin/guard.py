"""The guard of the admin API: token, Host and origin checks.

Without a token, the checks keep web pages of other sites away. A page can send requests to this server in two ways:
across origins, which the browser marks with `Origin` and `Sec-Fetch-Site`; or by DNS rebinding, where a public name
of the attacker's resolves to this machine and the browser considers the server part of the attacker's site. In the
second case the Host header contains that public name.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from mockserver.admin.error_responses import AdminError, create_error_response
from mockserver.masking import match_scheme
from mockserver.schema.messages import truncate_text
from mockserver.settings import Settings

# No public DNS name ends in one of these: RFC 6761, RFC 6762, RFC 8375 and ICANN's reservation of .internal;
# .svc is the cluster's own domain in Kubernetes.
_PRIVATE_SUFFIXES = (".localhost", ".local", ".internal", ".test", ".svc", ".home.arpa")
_HOST = re.compile(r"(?:\[(?P<ipv6>[0-9a-f:.]+(?:%[^\]]*)?)\]|(?P<name>[^\[\]:]+))(?::[0-9]*)?")
_SINGLE_LABEL = re.compile(r"[a-z0-9_-]+")


class HostGuard:
    """Refuses requests whose Host may be a public DNS name, unless a token is required anyway."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._token = settings.admin_token
        self._allowed = {_host_name(name) for name in (settings.host, *settings.allowed_hosts)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass an allowed request on; answer any other with an error."""
        try:
            self._check(Headers(scope=scope))
        except AdminError as error:
            await create_error_response(error)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _check(self, headers: Headers) -> None:
        # A valid token rules out DNS rebinding, so the Host check is skipped.
        if self._token is None:
            self._check_host(headers.get("host", ""))

    def _check_host(self, host: str) -> None:
        name = _host_name(host)
        if name and (name in self._allowed or _is_private_name(name)):
            return
        raise AdminError(
            403,
            f"found the Host {truncate_text(host)!r}, expected an IP address, localhost, a name without a dot or "
            f"one under {' '.join(_PRIVATE_SUFFIXES)}; start with --allowed-host or --admin-token to use another",
        )


class AdminGuard(HostGuard):
    """Lets a request through to the admin API, or refuses it."""

    def _check(self, headers: Headers) -> None:
        _check_origin(headers)
        super()._check(headers)
        if self._token is not None:
            self._check_token(headers.get("authorization", ""), self._token)

    def _check_token(self, authorization: str, expected: str) -> None:
        given = match_scheme(authorization, "bearer") or ""
        if not hmac.compare_digest(given.encode(), expected.encode()):
            message = "the admin API requires its token: Authorization: Bearer <the --admin-token>"
            raise AdminError(401, message, headers={"www-authenticate": "Bearer"})


def _check_origin(headers: Headers) -> None:
    """Raise AdminError for a request from a web page of another site."""
    origin = headers.get("origin")
    # Pages cannot set Sec-Fetch-Site. Behind a proxy that rewrites Host, it alone proves that the page is our own;
    # and a request without Origin, such as that of an <img>, is recognised by it alone.
    # https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header
    site = headers.get("sec-fetch-site")
    foreign = origin is not None and _authority(origin) != headers.get("host", "").lower()
    if site == "cross-site" or (foreign and site != "same-origin"):
        page = f"of {truncate_text(origin)!r}" if origin is not None else "of another site"
        raise AdminError(
            403, f"the request comes from a page {page}; only this server's own pages may send it"
        )


def _authority(origin: str) -> str | None:
    """Return host and port of an origin; None for `null` and for what is not a URL."""
    try:
        parts = urlsplit(origin.lower())
    except ValueError:
        return None
    return parts.netloc or None


def _host_name(host: str) -> str:
    """Return the name or address in a Host header, without port, brackets and the root's dot; "" if malformed."""
    match = _HOST.fullmatch(host.strip().lower())
    if match is None:
        return ""
    return match["ipv6"] or match["name"].removesuffix(".")


def _is_private_name(name: str) -> bool:
    """Return whether no public DNS record can have this name, so that it cannot be rebound."""
    if _SINGLE_LABEL.fullmatch(name) or name.endswith(_PRIVATE_SUFFIXES):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
