"""The certificate of the TLS port: the user's own, or one of a certificate authority that is made for this run."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mockserver.errors import InputError
from mockserver.intercept.tls_layer import create_tls_context
from mockserver.schema.yaml_document import read_text_file
from mockserver.settings import Settings

_HOST_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")
_EVERY_ADDRESS = ("", "0.0.0.0", "::")  # noqa: S104 addresses to listen on, which no client connects to


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """The TLS context of a server; `authority` is the certificate in PEM that clients must trust, if we made it."""

    context: ssl.SSLContext
    authority: str | None = None


def create_server_certificate(settings: Settings, vendor_hosts: Iterable[str]) -> ServerCertificate | None:
    """Return the certificate of the TLS port; None if there is no such port.

    Raises InputError for files that cannot be used, or if the extra `tls` is missing.
    """
    if settings.tls_key is not None and settings.tls_cert is None:
        raise InputError.from_message("is the key of --tls-cert, which is not given", "--tls-key")
    if settings.tls_port is None:
        if settings.tls_cert is not None:
            raise InputError.from_message(
                "is the certificate of --tls-port, which is not given", "--tls-cert"
            )
        return None
    if settings.tls_cert is not None:
        key = None if settings.tls_key is None else Path(settings.tls_key)
        return ServerCertificate(load_server_context(Path(settings.tls_cert), key))
    from mockserver.intercept.certificate_authority import CertificateAuthority  # noqa: PLC0415 an optional extra

    authority = CertificateAuthority([*vendor_hosts, *_list_own_hosts(settings)])
    return ServerCertificate(authority.create_server_context(), authority.pem)


def load_server_context(certificate: Path, key: Path | None = None) -> ssl.SSLContext:
    """Return the context of a TLS server with a certificate and its key, by default in the same file.

    Raises InputError with the file and the reason.
    """
    key = key or certificate
    _check_pem_file(certificate, "CERTIFICATE", "a certificate in PEM, the server's own first")
    _check_pem_file(key, "PRIVATE KEY", "a private key in PEM; --tls-key names the file of the key")
    context = create_tls_context()
    try:
        context.load_cert_chain(certificate, key, lambda: _refuse_encrypted_key(key))
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise InputError.from_message(
                f"is not the key of the certificate in {certificate}", source=str(key)
            ) from None
        raise InputError.from_message(
            f"cannot be used as a certificate with the key in {key}: {error.reason or error}",
            source=str(certificate),
        ) from None
    return context


def _check_pem_file(path: Path, kind: str, expected: str) -> None:
    """Raise InputError unless a file has a block of this kind; the module ssl names neither file nor reason."""
    if re.search(f"-----BEGIN [A-Z ]*{kind}-----", read_text_file(path)) is None:
        raise InputError.from_message(f"expected {expected}", source=str(path))


def _refuse_encrypted_key(key: Path) -> str:
    """Raise InputError, where the module ssl would ask on the terminal."""
    raise InputError.from_message(
        "is encrypted; expected a private key without a passphrase", source=str(key)
    )


def _list_own_hosts(settings: Settings) -> Iterator[str]:
    """Yield the names and addresses by which clients reach this server, besides those of loopback."""
    names = (settings.host, *settings.allowed_hosts, socket.gethostname())
    yield from (name for name in names if name not in _EVERY_ADDRESS and _HOST_NAME.fullmatch(name))
