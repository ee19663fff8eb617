"""The start code of Python programs, with a package named aiohttp on the path."""

from __future__ import annotations

import runpy
import sys
from importlib import import_module
from pathlib import Path

import pytest

from mockserver.intercept.python_path import sitecustomize

SESSION = """
class ClientSession:
    def __init__(self, base=None, *, trust_env=False):
        self.base, self.trust_env = base, trust_env
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path, with the start code in force and without it afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    for name in ("aiohttp", "aiohttp.client"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path


def start() -> None:
    runpy.run_path(sitecustomize.__file__, run_name="sitecustomize")


def test_sessions_of_aiohttp_obey_the_variables_unless_they_must_not(folder: Path) -> None:
    (folder / "aiohttp").mkdir()
    (folder / "aiohttp" / "__init__.py").touch()
    (folder / "aiohttp" / "client.py").write_text(SESSION)
    start()
    client = import_module("aiohttp.client")
    for name in ("aiohttp", "aiohttp.client"):
        del sys.modules[name]

    assert (client.ClientSession("url").base, client.ClientSession().trust_env) == ("url", True)
    assert client.ClientSession(trust_env=False).trust_env is False


def test_a_program_without_aiohttp_sees_no_difference(folder: Path) -> None:
    start()
    (folder / "aiohttp").mkdir()
    (folder / "aiohttp" / "__init__.py").touch()
    with pytest.raises(ModuleNotFoundError, match=r"aiohttp\.client"):
        import_module("aiohttp.client")
    del sys.modules["aiohttp"]


def test_another_start_code_on_the_path_is_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = Path(sitecustomize.__file__).parent
    monkeypatch.syspath_prepend(own)
    (folder / "sitecustomize.py").write_text("import sys\nsys.started = True\n")
    monkeypatch.setattr(sys, "started", False, raising=False)

    sitecustomize.run_next_sitecustomize(own)

    assert getattr(sys, "started") is True  # noqa: B009 mypy does not know it
    monkeypatch.setattr(sys, "path", [str(own)])
    sitecustomize.run_next_sitecustomize(own)
