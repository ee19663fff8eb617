"""The settings of PHP, Java and aiohttp: `tests/interop/intercepted.py` runs them."""

from __future__ import annotations

import configparser
import os
from pathlib import Path

from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509 import load_pem_x509_certificate

from mockserver.intercept.certificate_authority import CertificateAuthority
from mockserver.intercept.language_settings import extend_python_path, write_java_settings, write_php_settings

INVALID = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


def test_python_has_a_folder_before_its_own() -> None:
    folder = extend_python_path({})["PYTHONPATH"]

    assert Path(folder, "sitecustomize.py").exists()
    assert extend_python_path({"PYTHONPATH": "own"}) == {"PYTHONPATH": f"{folder}{os.pathsep}own"}


def test_php_adds_a_file_of_settings_to_its_own(tmp_path: Path) -> None:
    assert write_php_settings(tmp_path, Path("trusted.pem"), {}) == {"PHP_INI_SCAN_DIR": f":{tmp_path}"}
    before = {"PHP_INI_SCAN_DIR": "/etc/php"}
    assert write_php_settings(tmp_path, Path("trusted.pem"), before) == {
        "PHP_INI_SCAN_DIR": f"/etc/php:{tmp_path}"
    }
    settings = configparser.ConfigParser()
    settings.read_string("[php]\n" + (tmp_path / "mockserver.ini").read_text())
    assert dict(settings["php"]) == {"curl.cainfo": "trusted.pem", "openssl.cafile": "trusted.pem"}


def test_java_has_options_and_a_trust_store_of_the_valid_certificates(tmp_path: Path) -> None:
    authority = CertificateAuthority()

    variables = write_java_settings(
        tmp_path, [INVALID, authority.pem], {"JAVA_TOOL_OPTIONS": "-Xmx1g"}, "http://127.0.0.1:5"
    )

    assert variables["JAVA_TOOL_OPTIONS"].split() == [
        "-Xmx1g",
        "-Dhttp.proxyHost=127.0.0.1",
        "-Dhttps.proxyHost=127.0.0.1",
        "-Dhttp.proxyPort=5",
        "-Dhttps.proxyPort=5",
        f"-Djavax.net.ssl.trustStore={tmp_path}/trusted.p12",
        "-Djavax.net.ssl.trustStoreType=PKCS12",
        "-Djavax.net.ssl.trustStorePassword=",
    ]
    stored = pkcs12.load_pkcs12((tmp_path / "trusted.p12").read_bytes(), None).additional_certs
    assert [one.certificate for one in stored] == [load_pem_x509_certificate(authority.pem.encode())]
