"""The environment variables that lead a program's HTTP clients to the proxy, and let them trust its certificates."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from mockserver.intercept.host_rules import LOOPBACK_NAMES

_CERTIFICATE_FILES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")


def list_certificate_files(base: Mapping[str, str]) -> list[str]:
    """Return the files of trusted certificates that the variables name, which `create_environment` replaces."""
    return list(dict.fromkeys(base[name] for name in _CERTIFICATE_FILES if base.get(name)))


def create_environment(
    base: Mapping[str, str], proxy_url: str, bundle: Path, hosts: Collection[str]
) -> dict[str, str]:
    """Return the variables of a program, for a proxy that answers for `hosts` by the certificates in `bundle`."""
    bypass = ",".join((*LOOPBACK_NAMES, *_list_bypassed_hosts(base, hosts)))
    proxies = {"HTTPS_PROXY": proxy_url, "HTTP_PROXY": proxy_url, "NO_PROXY": bypass}
    return {
        **base,
        **proxies,
        **{
            name.lower(): value for name, value in proxies.items()
        },  # curl reads no HTTP_PROXY, Go any of them
        **dict.fromkeys(_CERTIFICATE_FILES, str(bundle)),
        "NODE_USE_ENV_PROXY": "1",  # read by Node 24
    }


def _list_bypassed_hosts(base: Mapping[str, str], hosts: Collection[str]) -> Iterator[str]:
    """Yield the hosts that were called without a proxy before, but for those that the proxy answers for."""
    for entry in (base.get("NO_PROXY") or base.get("no_proxy") or "").replace(" ", ",").split(","):
        name = entry.lstrip("*").lstrip(".")
        covers = not name or any(host == name or host.endswith(f".{name}") for host in hosts)
        if not covers and entry not in LOOPBACK_NAMES:
            yield entry
