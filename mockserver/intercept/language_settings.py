"""Settings of clients that do not read proxy or certificates from the usual variables: PHP, Java and aiohttp."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.serialization import NoEncryption, pkcs12
from cryptography.x509 import Certificate, load_pem_x509_certificate


def extend_python_path(base: Mapping[str, str]) -> dict[str, str]:
    """Return the variable that lets Python programs run a start code, by which aiohttp obeys the other variables."""
    folder = str(Path(__file__).with_name("python_path"))
    return {"PYTHONPATH": os.pathsep.join(filter(None, (folder, base.get("PYTHONPATH"))))}


def write_php_settings(folder: Path, bundle: Path, base: Mapping[str, str]) -> dict[str, str]:
    """Write a file of settings, by which PHP trusts the bundle, and return the variable that adds it to PHP's own."""
    (folder / "mockserver.ini").write_text(f"curl.cainfo={bundle}\nopenssl.cafile={bundle}\n")
    # An empty part is the folder that PHP was built with.
    return {"PHP_INI_SCAN_DIR": f"{base.get('PHP_INI_SCAN_DIR', '')}{os.pathsep}{folder}"}


def write_java_settings(
    folder: Path, certificates: Iterable[str], base: Mapping[str, str], proxy_url: str
) -> dict[str, str]:
    """Write Java's trust store, and return the variable whose options name it and the proxy."""
    path = folder / "trusted.p12"
    store = [
        pkcs12.PKCS12Certificate(one, b"%d" % number)
        for number, one in enumerate(_parse_certificates(certificates))
    ]
    path.write_bytes(pkcs12.serialize_java_truststore(store, NoEncryption()))
    proxy = urlsplit(proxy_url)
    properties = {
        **{f"{scheme}.proxyHost": proxy.hostname for scheme in ("http", "https")},
        **{f"{scheme}.proxyPort": proxy.port for scheme in ("http", "https")},
        "javax.net.ssl.trustStore": path,
        "javax.net.ssl.trustStoreType": "PKCS12",
        "javax.net.ssl.trustStorePassword": "",
    }
    options = [
        base.get("JAVA_TOOL_OPTIONS", ""),
        *(f"-D{name}={value}" for name, value in properties.items()),
    ]
    return {"JAVA_TOOL_OPTIONS": " ".join(filter(None, options))}


def _parse_certificates(certificates: Iterable[str]) -> Iterator[Certificate]:
    """Yield the certificates, without those of the system that are not as RFC 5280 wants them."""
    with warnings.catch_warnings(action="ignore", category=UserWarning):
        for one in certificates:
            with suppress(ValueError):
                yield load_pem_x509_certificate(one.encode())
