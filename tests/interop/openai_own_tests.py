"""The tests of the OpenAI SDK for Python itself, from the source of its release, against the server.

They are downloaded from PyPI beside the virtual environment that runs this script, and kept there.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).resolve().parent
RELEASE = version("openai")
# The files of the SDK's tests, and the tests in them that the server can serve. Without an encoding, the SDK asks for
# base64, which its own strict validation of responses rejects: in all tests but those with all parameters.
TESTS = {
    "tests/api_resources/test_embeddings.py": "loose or all_params",
    "tests/api_resources/chat/test_completions.py": "create",
    "tests/api_resources/test_responses.py": "create",
    "tests/api_resources/test_models.py": "list",
}


def unpack_tests() -> Path:
    """Return the folder with the source of the installed release; download it unless that has been done."""
    folder = Path(sys.prefix) / "sources"
    source = folder / f"openai-{RELEASE}"
    if not source.exists():
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "openai"]
        subprocess.run([*command, "--dest", folder, f"openai=={RELEASE}"], check=True)
        with tarfile.open(folder / f"openai-{RELEASE}.tar.gz") as archive:
            archive.extractall(folder, filter="data")
    return source


def main() -> None:
    source = unpack_tests()
    url = os.environ["MOCKSERVER_URL"]
    for file, chosen in TESTS.items():
        command = [sys.executable, "-m", "pytest", "-q", "-o", "addopts=", "-p", "no:cacheprovider"]
        plugin = ["-p", "complete_responses"] if "responses" in file else []
        subprocess.run(
            [*command, *plugin, file, "-k", chosen],
            cwd=source,
            env={**os.environ, "TEST_API_BASE_URL": f"{url}/openai/v1", "PYTHONPATH": str(HERE)},
            stdout=sys.stderr,
            check=True,
        )
    print("openai", RELEASE)  # noqa: T201


if __name__ == "__main__":
    main()
