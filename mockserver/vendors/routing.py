"""Routing of requests to vendors: by the vendor's path prefix, by its Host, or by its native paths."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from mockserver.errors import InputError
from mockserver.vendors.apis import COMPLETION_APIS, Api
from mockserver.vendors.aux_endpoints import AuxEndpoint
from mockserver.vendors.vendor import Vendor


@dataclass(frozen=True, slots=True)
class RouteMatch:
    """The vendor and its path that a request leads to, with the model if the path names one.

    `is_job` is true where completions are submitted as jobs; `aux_endpoint` is an auxiliary endpoint and `item` the
    item of its list. `is_completion` is true for the apis of a match that names none.
    """

    vendor: Vendor
    path: str
    api: Api
    model: str | None = None
    aux_endpoint: AuxEndpoint | None = None
    item: str = ""
    is_job: bool = False
    is_completion: bool = field(init=False)

    def __post_init__(self) -> None:
        """Note whether the api is one of completions."""
        object.__setattr__(self, "is_completion", self.api in COMPLETION_APIS)

    @property
    def methods(self) -> tuple[str, ...]:
        """The HTTP methods that the path supports."""
        return self.aux_endpoint.methods if self.aux_endpoint else ("POST",)


class VendorRouter:
    """The vendors of one server. If Hosts or native paths collide, the earlier vendor takes precedence.

    All have their path prefix and Hosts; only those whose profile is `listed` have native paths, and their Hosts come
    first.

    Raises InputError if a vendor's name is the first segment of a path of another vendor.
    """

    def __init__(self, vendors: Iterable[Vendor]) -> None:
        self.vendors = {vendor.name: vendor for vendor in vendors}
        self.listed_vendors = {name: vendor for name, vendor in self.vendors.items() if vendor.profile.listed}
        ordered = self.listed_vendors.values()
        by_rank = sorted(self.vendors.values(), key=lambda vendor: not vendor.profile.listed)
        self._hosts = {host: vendor for vendor in reversed(by_rank) for host in vendor.profile.hosts}
        self._reserved_names = frozenset(name for vendor in ordered for name in vendor.profile.paths.reserved)
        owners = ((path.rstrip("/"), vendor) for vendor in ordered for path in vendor.profile.paths.owns)
        self._path_owners = sorted(owners, key=lambda owner: -len(owner[0]))
        self._find_cached = lru_cache(maxsize=_CACHE_SIZE)(self._find)
        for path in (path for vendor in self.vendors.values() for path in vendor.posted_paths):
            name = path.split("/")[1]
            if name in self.vendors:
                raise InputError.from_message(
                    f"found {name!r}, the first segment of {path}; expected another name", "name"
                )

    @property
    def hosts(self) -> list[str]:
        """The hosts of all vendors, listed or not."""
        return list(self._hosts)

    def locate(self, host: str, method: str, path: str) -> RouteMatch | None:
        """Return the route of a request, None if no vendor matches.

        `host` is the Host header without its port, in lower case.
        """
        # Clients use few different paths; long ones are not cached, to bound the memory.
        find = self._find_cached if len(host) + len(path) < _MAX_CACHED_LENGTH else self._find
        return find(host, method, path)

    def _find(self, host: str, method: str, path: str) -> RouteMatch | None:
        prefix, slash, rest = path[1:].partition("/")
        if prefix in self.vendors:
            return _match_vendor_path(self.vendors[prefix], slash + rest or "/")
        if host in self._hosts:
            return _match_vendor_path(self._hosts[host], path)
        return self._find_native(method, path)

    def _find_native(self, method: str, path: str) -> RouteMatch | None:
        for vendor in self.listed_vendors.values():
            api, model, is_job = vendor.match_posted_path(path, self._reserved_names)
            # `/v1/{model}` matches too many paths, so it is limited to POST.
            if api != "unknown" and (model is None or method == "POST"):
                return RouteMatch(vendor, path, api, model, is_job=is_job)
        owner = next(
            (vendor for owned, vendor in self._path_owners if f"{path}/".startswith(f"{owned}/")), None
        )
        # The owner of a path takes precedence; other vendors may have an endpoint that the owner lacks.
        owners = [owner] if owner else []
        for vendor in owners + (list(self.listed_vendors.values()) if method in ("GET", "HEAD") else []):
            if vendor.find_aux_endpoint(path):
                return _match_vendor_path(vendor, path)
        return RouteMatch(owner, path, "unknown") if owner else None


def _match_vendor_path(vendor: Vendor, path: str) -> RouteMatch:
    endpoint, item = vendor.find_aux_endpoint(path) or (None, "")
    api, model, is_job = ("read", None, False) if endpoint else vendor.match_posted_path(path)
    return RouteMatch(vendor, path, api, model, endpoint, item, is_job)


_CACHE_SIZE, _MAX_CACHED_LENGTH = 1024, 256  # cached routes, and the length of host and path
