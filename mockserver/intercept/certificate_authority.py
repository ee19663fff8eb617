"""A certificate authority for one run, which can only vouch for the hosts that it was made for.

Importing this module raises InputError if the extra `tls` is not installed.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
import tempfile
from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from mockserver.errors import InputError
from mockserver.intercept.host_rules import LOOPBACK_NAMES
from mockserver.intercept.tls_layer import create_tls_context

try:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import (
        SECP256R1,
        EllipticCurvePublicKey,
        generate_private_key,
    )
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
except ModuleNotFoundError as error:
    raise InputError.from_message(
        "the extra `tls` is not installed: pip install 'mock-provider-server[tls]'"
    ) from error

_LOOPBACK_NETWORKS: Final = [x509.IPAddress(ipaddress.ip_network("127.0.0.0/8"))]
_LIFETIME = timedelta(days=1)
_CLOCK_SKEW = timedelta(minutes=5)  # that a client's clock may be behind, such as that of a virtual machine
_SYSTEM_BUNDLES = (  # where OpenSSL's default is a folder only, whose certificates cannot be listed
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Alpine, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/ssl/cert.pem",  # macOS, BSD
)


class CertificateAuthority:
    """A certificate authority (EC P-256) for these hosts and the loopback ones, valid for one day.

    Its name constraints limit it to these hosts, so that a client that trusts it for too long risks nothing else. Its
    key stays in memory. `pem` is its certificate.
    """

    def __init__(self, hosts: Iterable[str] = ()) -> None:
        """`hosts` are names, each with its subdomains, and addresses."""
        self.hosts = tuple(dict.fromkeys((*LOOPBACK_NAMES, *hosts)))
        self._key = generate_private_key(SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mockserver CA of one run")])
        self._start = _read_system_time()
        public_key = self._key.public_key()
        extensions: tuple[tuple[x509.ExtensionType, bool], ...] = (
            (x509.BasicConstraints(ca=True, path_length=0), True),
            (_key_usage(ca=True), True),
            (x509.NameConstraints([*_LOOPBACK_NETWORKS, *map(_permit_host, self.hosts)], None), True),
            (x509.SubjectKeyIdentifier.from_public_key(public_key), False),
        )
        self._certificate = self._sign(self._name, public_key, extensions)
        self.pem = self._certificate.public_bytes(Encoding.PEM).decode()

    def create_server_context(self, hosts: Iterable[str] = ()) -> ssl.SSLContext:
        """Return the context of a TLS server with a new certificate for these hosts; the default is all hosts.

        The module ssl reads a key from a file only: meanwhile the key is in a folder that only this user can enter.
        """
        key = generate_private_key(SECP256R1())
        certificate = self._issue(key.public_key(), tuple(hosts) or self.hosts)
        context = create_tls_context()
        with tempfile.TemporaryDirectory(prefix="mockserver-") as folder:
            path = Path(folder, "server.pem")
            path.write_bytes(
                key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
                + certificate.public_bytes(Encoding.PEM)
            )
            context.load_cert_chain(path)
        return context

    def create_bundle(self, extra_files: Collection[str | os.PathLike[str]] = ()) -> str:
        """Return the certificates that a client trusts: the system's, those of the files, and this authority's."""
        return "".join((*list_trusted_certificates(extra_files), self.pem))

    def _issue(self, public_key: EllipticCurvePublicKey, hosts: Collection[str]) -> x509.Certificate:
        """Return a server's certificate for the hosts."""
        # The common name of RFC 5280 has at most 64 characters, and no client reads it: the hosts are below.
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mockserver")])
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        extensions: tuple[tuple[x509.ExtensionType, bool], ...] = (
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (_key_usage(ca=False), True),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
            (x509.SubjectAlternativeName(map(_name_host, hosts)), False),
            (x509.SubjectKeyIdentifier.from_public_key(public_key), False),
            (issuer, False),
        )
        return self._sign(subject, public_key, extensions)

    def _sign(
        self,
        subject: x509.Name,
        public_key: EllipticCurvePublicKey,
        extensions: Iterable[tuple[x509.ExtensionType, bool]],
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._start - _CLOCK_SKEW)
            .not_valid_after(self._start + _LIFETIME)
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(self._key, SHA256())


def list_trusted_certificates(extra_files: Iterable[str | os.PathLike[str]] = ()) -> list[str]:
    """Return the certificates in PEM of the authorities that the system and these files trust.

    The variable SSL_CERT_FILE replaces the system's. Files that do not exist are skipped. Raises InputError for a file
    without certificates.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_default_certs()
    files = [] if context.get_ca_certs() else list(_list_system_bundles())[:1]
    for path in (*files, *filter(os.path.exists, extra_files)):
        try:
            context.load_verify_locations(path)
        except (ssl.SSLError, OSError) as error:
            raise InputError.from_message("has no certificates that can be read", source=str(path)) from error
    return list(map(ssl.DER_cert_to_PEM_cert, context.get_ca_certs(binary_form=True)))


def _list_system_bundles() -> Iterable[str]:
    yield from filter(os.path.exists, _SYSTEM_BUNDLES)
    if find_spec("certifi") is not None:
        import certifi  # noqa: PLC0415 an optional package

        yield certifi.where()


def _read_system_time() -> datetime:
    """Return the time as clients see it, even if a test has frozen that of this process: a new file has it."""
    with tempfile.TemporaryFile() as file:
        return datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)


def _key_usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        key_cert_sign=ca,
        crl_sign=ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _permit_host(host: str) -> x509.GeneralName:
    """Return the host as name constraints state it: an address is a network of one."""
    address = _parse_address(host)
    return x509.DNSName(host) if address is None else x509.IPAddress(ipaddress.ip_network(address))


def _name_host(host: str) -> x509.GeneralName:
    address = _parse_address(host)
    return x509.DNSName(host) if address is None else x509.IPAddress(address)


def _parse_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
