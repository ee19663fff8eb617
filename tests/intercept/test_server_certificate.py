"""The certificate of the TLS port: made for the run, or from files, whose errors name the file and the reason."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from mockserver.errors import InputError
from mockserver.intercept.certificate_authority import CertificateAuthority
from mockserver.intercept.server_certificate import create_server_certificate, load_server_context
from mockserver.settings import Settings
from tests.intercept.test_certificate_authority import shake_hands

AUTHORITY = CertificateAuthority()


def encode_key(encryption: KeySerializationEncryption) -> bytes:
    return generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a server's certificate and key, in one file and in two."""
    written: list[bytes] = []
    load = ssl.SSLContext.load_cert_chain

    def load_and_keep(context: ssl.SSLContext, certfile: Path) -> None:
        written.append(certfile.read_bytes())
        load(context, certfile)

    with monkeypatch.context() as patch:
        patch.setattr(ssl.SSLContext, "load_cert_chain", load_and_keep)
        AUTHORITY.create_server_context()
    both = written[0]
    start = both.index(b"-----BEGIN CERTIFICATE")
    (tmp_path / "both.pem").write_bytes(both)
    (tmp_path / "key.pem").write_bytes(both[:start])
    (tmp_path / "certificate.pem").write_bytes(both[start:])
    (tmp_path / "other.pem").write_bytes(encode_key(NoEncryption()))
    (tmp_path / "encrypted.pem").write_bytes(encode_key(BestAvailableEncryption(b"secret")))
    (tmp_path / "damaged.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    (tmp_path / "notes.txt").write_text("No certificate at all.\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("certificate", "key"), [("both.pem", None), ("certificate.pem", "key.pem"), ("both.pem", "key.pem")]
)
@pytest.mark.usefixtures("folder")
def test_certificate_and_key_are_in_one_file_or_in_two(certificate: str, key: str | None) -> None:
    context = load_server_context(Path(certificate), key and Path(key))  # type: ignore[arg-type]
    assert shake_hands(context, AUTHORITY.pem, "localhost") == "http/1.1"


PROBLEMS = {
    ("lost.pem", None): "lost.pem: cannot be read: No such file or directory",
    ("notes.txt", "key.pem"): "notes.txt: expected a certificate in PEM, the server's own first",
    ("key.pem", None): "key.pem: expected a certificate in PEM, the server's own first",
    ("certificate.pem", None): (
        "certificate.pem: expected a private key in PEM; --tls-key names the file of the key"
    ),
    ("certificate.pem", "lost.pem"): "lost.pem: cannot be read: No such file or directory",
    ("certificate.pem", "other.pem"): "other.pem: is not the key of the certificate in certificate.pem",
    ("certificate.pem", "encrypted.pem"): (
        "encrypted.pem: is encrypted; expected a private key without a passphrase"
    ),
}


@pytest.mark.parametrize(("files", "message"), PROBLEMS.items(), ids=map(str, PROBLEMS))
@pytest.mark.usefixtures("folder")
def test_a_file_that_cannot_be_used_is_named_with_the_reason(
    files: tuple[str, str | None], message: str
) -> None:
    certificate, key = files
    settings = Settings(tls_port=0, tls_cert=Path(certificate), tls_key=key and Path(key))  # type: ignore[arg-type]
    with pytest.raises(InputError) as caught:
        create_server_certificate(settings, ())
    assert str(caught.value) == message


@pytest.mark.usefixtures("folder")
def test_a_damaged_certificate_has_the_reason_of_openssl() -> None:
    with pytest.raises(
        InputError, match=r"^damaged.pem: cannot be used as a certificate with the key in key.pem: ."
    ):
        load_server_context(Path("damaged.pem"), Path("key.pem"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            Settings(tls_cert=Path("a.pem")),
            "--tls-cert: is the certificate of --tls-port, which is not given",
        ),
        (
            Settings(tls_port=0, tls_key=Path("a.pem")),
            "--tls-key: is the key of --tls-cert, which is not given",
        ),
    ],
)
def test_files_without_what_they_are_for_are_refused(settings: Settings, message: str) -> None:
    with pytest.raises(InputError) as caught:
        create_server_certificate(settings, ())
    assert str(caught.value) == message


def test_without_a_tls_port_there_is_no_certificate() -> None:
    assert create_server_certificate(Settings(), ("api.vendor.example",)) is None


def test_the_certificate_of_the_run_is_for_the_vendors_and_for_all_names_of_the_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "not a (valid) name")
    settings = Settings(
        tls_port=0, host="::", allowed_hosts=("mock.test", "mockserver", "192.0.2.7", "2001:db8::1")
    )
    certificate = create_server_certificate(settings, ("api.vendor.example",))
    assert certificate is not None
    assert certificate.authority is not None
    for host in ("api.vendor.example", "localhost", "::1", *settings.allowed_hosts):
        assert shake_hands(certificate.context, certificate.authority, host) == "http/1.1"
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(certificate.context, certificate.authority, "example.com")
