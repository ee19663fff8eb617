"""The web UI's files are served with a strict content security policy."""

from __future__ import annotations

import http.client
import posixpath
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from mockserver import __version__
from mockserver.testing import MockServer
from mockserver.ui.static_files import PAGE_ROOT, load_static_files
from tests.conftest import StartServer

# Each imports from those before it; the empty name is the folder of main.js.
LAYERS = ["lib", "data", "components", "views", ""]
Received = tuple[int, http.client.HTTPMessage, bytes]


def get(server: MockServer, path: str, method: str = "GET", **headers: str) -> Received:
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=20)
    connection.request(method, path, None, {name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    received = response.status, response.headers, response.read()
    connection.close()
    return received


def test_the_root_serves_the_web_ui(server: MockServer) -> None:
    status, headers, body = get(server, "/")
    assert status == 200
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert body.startswith(b"<!doctype html>")
    assert get(server, "/", "HEAD")[::2] == (200, b"")


@pytest.mark.parametrize("name", ["index.html", *load_static_files()])
def test_every_file_has_the_policy_and_is_revalidated(server: MockServer, name: str) -> None:
    status, headers, body = get(server, f"/_mock/page/{name}")
    assert (status, body) == (200, (PAGE_ROOT / name).read_bytes())
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-cache"
    again = get(server, f"/_mock/page/{name}", if_none_match=headers["etag"])
    assert (again[0], again[2]) == (304, b"")


@pytest.mark.parametrize("name", ["", "no.js", "..%2fadmin.py", "views"])
def test_other_paths_are_not_found(server: MockServer, name: str) -> None:
    status, _, body = get(server, f"/_mock/page/{name}")
    assert status == 404
    assert b"the web UI has no file" in body


def test_files_refer_to_no_other_site_and_contain_no_inline_code() -> None:
    for name, file in load_static_files().items():
        text = file.body.decode()
        assert "://" not in text.replace("http://www.w3.org/2000/svg", "").replace(
            "https://html.spec", ""
        ) or (name.endswith(".js"))
        assert "innerHTML" not in text
    html = load_static_files()["index.html"].body.decode()
    assert "style=" not in html
    assert "<style" not in html
    assert " on" not in html.replace(" only", "")


@pytest.mark.parametrize("name", [name for name in load_static_files() if name.endswith(".js")])
def test_a_module_imports_only_from_its_folder_and_those_below(name: str) -> None:
    text = load_static_files()[name].body.decode()
    imports = re.findall(r'^(?:import|} from|/\*\* @import) .*"(\.[^"]+)"', text, re.MULTILINE)
    for path in imports:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(name), path))
        assert target in load_static_files()
        assert LAYERS.index(posixpath.dirname(target)) <= LAYERS.index(posixpath.dirname(name))


def test_a_foreign_host_name_is_refused(server: MockServer) -> None:
    assert get(server, "/", host="evil.example")[0] == 403
    assert get(server, "/_mock/page/main.js", host="evil.example")[0] == 403


def test_the_root_of_a_vendor_s_host_is_the_vendor_s(server: MockServer) -> None:
    status, headers, _ = get(server, "/", host="api.segmind.com")
    assert status == 404
    assert "x-mock-request-id" in headers


def test_another_method_at_the_root_is_not_found(server: MockServer) -> None:
    assert get(server, "/", "POST")[0] == 404


def test_with_a_token_any_host_name_gets_the_files(start_server: StartServer) -> None:
    server = start_server("fixtures: []", admin_token="sesame")  # noqa: S106 it opens nothing
    assert get(server, "/", host="mock.example")[0] == 200
    assert get(server, "/_mock/requests", host="mock.example")[0] == 401


def test_without_the_web_ui_its_paths_are_not_found(start_server: StartServer) -> None:
    server = start_server("fixtures: []", page=False)
    assert get(server, "/")[0] == 404
    assert get(server, "/_mock/page/main.js")[0] == 404


def test_the_wheel_contains_every_file(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=root, check=True, capture_output=True)
    [wheel] = tmp_path.glob(f"*-{__version__}-*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"mockserver/ui/page/{name}" for name in load_static_files()} <= names
