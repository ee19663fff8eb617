"""Start code of a Python program: aiohttp obeys the variables of proxies, which it does only if it is asked to.

Python imports this module when its folder is in PYTHONPATH. It runs in the program's own Python, without this package.
"""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import module_from_spec
from pathlib import Path
from typing import Any


class AiohttpFinder(MetaPathFinder):
    """Finds aiohttp's module of clients, and changes the default of their sessions when it is imported."""

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:  # noqa: ARG002
        """Return the specification of that module, None for any other."""
        spec = PathFinder.find_spec(fullname, path) if fullname == "aiohttp.client" else None
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def load_and_change(module: Any) -> None:
                load(module)
                trust_environment(module.ClientSession)

            spec.loader.exec_module = load_and_change  # type: ignore[method-assign]
        return spec


def trust_environment(session_class: Any) -> None:
    """Let sessions of a class obey the variables of proxies, unless the program says otherwise."""
    initialize = session_class.__init__

    def initialize_trusting(self: Any, *arguments: Any, **options: Any) -> None:
        initialize(self, *arguments, **{"trust_env": True, **options})

    session_class.__init__ = initialize_trusting


def run_next_sitecustomize(own_folder: Path) -> None:
    """Run the module of this name that Python would have found without this one."""
    folders = [one for one in sys.path if Path(one) != own_folder]
    spec = PathFinder.find_spec("sitecustomize", folders)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(module_from_spec(spec))


if __name__ == "sitecustomize":
    sys.meta_path.insert(0, AiohttpFinder())
    run_next_sitecustomize(Path(__file__).parent)
