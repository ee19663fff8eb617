"""Whom is a request for? A vendor's prefix decides, or its own Host, or else the native paths."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from mockserver.errors import InputError
from mockserver.vendors.aux_endpoints import AuxEndpoint
from mockserver.vendors.vendor import Vendor


@dataclass(frozen=True, slots=True)
class RouteMatch:
    """Where a request arrived: at which vendor, at which of its own paths, for which model if the path says so.

    `lookup` is the endpoint that is there besides the chat, `item` what the path names of its list.
    """

    vendor: Vendor
    path: str
    chat: bool
    model: str | None = None
    aux_endpoint: AuxEndpoint | None = None
    item: str = ""

    @property
    def method(self) -> str:
        """The verb that it is asked with."""
        return "GET" if self.aux_endpoint else "POST"


class VendorRouter:
    """All vendors of one server. Earlier ones win where Hosts or native paths collide; a prefix never does.

    Raises InputError where a vendor's name would take the native paths of another.
    """

    def __init__(self, vendors: Iterable[Vendor]) -> None:
        self.vendors = {vendor.name: vendor for vendor in vendors}
        known = self.vendors.values()
        self._hosts = {host: vendor for vendor in reversed(known) for host in vendor.profile.hosts}
        self._reserved_names = frozenset(name for vendor in known for name in vendor.profile.paths.reserved)
        owners = ((path.rstrip("/"), vendor) for vendor in known for path in vendor.profile.paths.owns)
        self._path_owners = sorted(owners, key=lambda owner: -len(owner[0]))
        self._find_cached = lru_cache(maxsize=_CACHE_SIZE)(self._find)
        for path in (path for vendor in known for path in vendor.profile.paths.chat):
            name = path.split("/")[1]
            if name in self.vendors:
                raise InputError.from_message(
                    f"found {name!r}, with which {path} begins; expected another name", "name"
                )

    def locate(self, host: str, method: str, path: str) -> RouteMatch | None:
        """The place of a request, or None when no vendor has anything to do with it.

        `host` is the Host header without its port, in lower case.
        """
        # Clients ask for the same few places again and again.
        known = self._find_cached if len(host) + len(path) < _MAX_CACHED_LENGTH else self._find
        return known(host, method, path)

    def _find(self, host: str, method: str, path: str) -> RouteMatch | None:
        prefix, slash, rest = path[1:].partition("/")
        if prefix in self.vendors:
            return _match_vendor_path(self.vendors[prefix], slash + rest or "/")
        if host in self._hosts:
            return _match_vendor_path(self._hosts[host], path)
        return self._find_native(method, path)

    def _find_native(self, method: str, path: str) -> RouteMatch | None:
        for vendor in self.vendors.values():
            chat, model = vendor.match_chat_path(path, self._reserved_names)
            # A model in the path is too wide a claim for any verb but the one it is called with.
            if chat and (model is None or method == "POST"):
                return RouteMatch(vendor, path, True, model)
        owner = next(
            (vendor for owned, vendor in self._path_owners if f"{path}/".startswith(f"{owned}/")), None
        )
        # Whoever owns a path speaks first there; what it does not know may be another's to tell.
        asked = [owner] if owner else []
        for vendor in asked + (list(self.vendors.values()) if method in ("GET", "HEAD") else []):
            if vendor.find_aux_endpoint(path):
                return _match_vendor_path(vendor, path)
        return RouteMatch(owner, path, False) if owner else None


def _match_vendor_path(vendor: Vendor, path: str) -> RouteMatch:
    lookup, item = vendor.find_aux_endpoint(path) or (None, "")
    chat, model = (False, None) if lookup else vendor.match_chat_path(path)
    return RouteMatch(vendor, path, chat, model, lookup, item)


_CACHE_SIZE, _MAX_CACHED_LENGTH = 1024, 256  # places that are remembered, and how long their names may be
