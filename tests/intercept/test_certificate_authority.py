"""The certificate authority of a run: handshakes in memory, by OpenSSL's own verification."""

from __future__ import annotations

import importlib
import ssl
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from cryptography import x509

from mockserver.errors import InputError
from mockserver.intercept import certificate_authority
from mockserver.intercept.certificate_authority import CertificateAuthority, list_trusted_certificates

HOST = "api.vendor.example"


@pytest.fixture(scope="module")
def authority() -> CertificateAuthority:
    return CertificateAuthority([HOST, "192.0.2.7"])


def shake_hands(server: ssl.SSLContext, pem: str, host: str) -> str | None:
    """Return the protocol that client and server agree on. Raises SSLError if the client rejects the server."""
    client = ssl.create_default_context(cadata=pem)
    client.verify_flags |= ssl.VERIFY_X509_STRICT  # the default from Python 3.13 on
    client.set_alpn_protocols(["h2", "http/1.1"])
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [
        client.wrap_bio(to_client, to_server, server_hostname=host),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for side in (*sides, *sides):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return sides[0].selected_alpn_protocol()


@pytest.mark.parametrize("host", [HOST, "localhost", "127.0.0.1", "::1", "192.0.2.7"])
def test_a_client_that_trusts_the_authority_accepts_its_hosts(
    authority: CertificateAuthority, host: str
) -> None:
    assert shake_hands(authority.create_server_context(), authority.pem, host) == "http/1.1"


def test_a_certificate_is_for_the_hosts_that_were_named(authority: CertificateAuthority) -> None:
    context = authority.create_server_context(["127.0.0.9"])

    assert shake_hands(context, authority.pem, "127.0.0.9") == "http/1.1"
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        shake_hands(context, authority.pem, HOST)


@pytest.mark.parametrize("host", ["example.com", "vendor.example", "198.51.100.1"])
def test_clients_reject_a_certificate_for_another_host(authority: CertificateAuthority, host: str) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        shake_hands(authority.create_server_context([host]), authority.pem, host)


def test_clients_without_the_authority_reject_its_certificates(authority: CertificateAuthority) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="unable to get local issuer"):
        shake_hands(authority.create_server_context(), CertificateAuthority().pem, HOST)


def test_the_authority_is_valid_for_one_day_from_now_even_if_the_time_of_the_process_is_frozen() -> None:
    now = datetime.now(UTC)
    with time_machine.travel("2020-02-02", tick=False):
        certificate = x509.load_pem_x509_certificate(CertificateAuthority().pem.encode())

    assert certificate.not_valid_before_utc <= now
    assert timedelta(hours=23) < certificate.not_valid_after_utc - now < timedelta(hours=25)


def test_the_key_of_a_server_leaves_no_file(
    authority: CertificateAuthority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes: list[int] = []
    load = ssl.SSLContext.load_cert_chain

    def observe(context: ssl.SSLContext, path: Path) -> None:
        modes.append(path.parent.stat().st_mode & 0o777)
        load(context, path)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", observe)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    authority.create_server_context()

    assert (modes, list(tmp_path.iterdir())) == ([0o700], [])


def test_a_bundle_has_the_certificates_of_the_system_of_files_and_of_the_authority(
    authority: CertificateAuthority, tmp_path: Path
) -> None:
    other = CertificateAuthority(["other.example"])
    file = tmp_path / "proxy.pem"
    file.write_text("# a corporate proxy\n" + other.pem)

    bundle = authority.create_bundle([file, tmp_path / "missing.pem"])

    assert [one for one in list_trusted_certificates() if one not in bundle] == []
    for one in (authority, other):
        assert shake_hands(one.create_server_context(["localhost"]), bundle, "localhost") == "http/1.1"


def test_the_variable_for_the_certificates_of_the_system_is_obeyed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "ours.pem"
    file.write_text(CertificateAuthority().pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))

    assert list_trusted_certificates() == [file.read_text()]


@pytest.mark.parametrize("has_system_bundle", [True, False])
def test_the_certificates_of_a_system_that_lists_none_are_in_a_known_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, has_system_bundle: bool
) -> None:
    file = tmp_path / "known.pem"
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    monkeypatch.setattr(certificate_authority, "_SYSTEM_BUNDLES", (str(file),))
    if has_system_bundle:
        file.write_text(CertificateAuthority().pem)

    assert (len(list_trusted_certificates()) == 1) == has_system_bundle


def test_no_certificates_at_all_are_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    monkeypatch.setattr(certificate_authority, "_SYSTEM_BUNDLES", ())
    monkeypatch.setattr(certificate_authority, "find_spec", lambda _: None)

    assert list_trusted_certificates() == []


def test_a_file_without_certificates_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "empty.pem"
    file.write_text("none here")

    with pytest.raises(InputError, match=r"empty\.pem: has no certificates that can be read"):
        list_trusted_certificates([file])


def test_a_missing_extra_is_an_error_of_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    monkeypatch.delitem(sys.modules, certificate_authority.__name__)

    with pytest.raises(InputError, match=r"pip install 'mock-provider-server\[tls\]'"):
        importlib.import_module(certificate_authority.__name__)
