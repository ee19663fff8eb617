"""The load tests of docs/load-testing.md, as they stand: `load_testing.py locust` or `load_testing.py k6`.

The plan of the page is set, its 40 seconds are waited for, and each of its steps must have been applied.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.request import Request, urlopen

PAGE = (Path(__file__).parents[2] / "docs" / "load-testing.md").read_text()
URL = os.environ["MOCKSERVER_URL"]
TOOL = sys.argv[1]
BIN = Path(sys.executable).parent


def block(language: str, contains: str) -> str:
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    [found] = [one for one in blocks if contains in one]
    return found


def control(method: str, path: str, body: str | None = None) -> dict:
    data = None if body is None else body.encode()
    with urlopen(Request(f"{URL}/_mock{path}", data, method=method)) as response:  # noqa: S310 of our own server
        return json.load(response)


def run(*command: str, allowed: tuple[int, ...]) -> str:
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode in allowed, ran.stdout + ran.stderr
    return ran.stdout


control("POST", "/plan", "plan:" + block("yaml", "plan:").partition("\nplan:")[2])
with tempfile.TemporaryDirectory() as folder:
    if TOOL == "locust":
        Path(folder, "locustfile.py").write_text(block("text", "from locust"))
        options = ["--headless", "--users", "5", "--spawn-rate", "5", "--run-time", "40s", "--json", "--host"]
        # The exit code is 1 after failed calls.
        out = run(str(BIN / "locust"), *options, URL, allowed=(0, 1))
        calls = {one["name"]: one["num_requests"] for one in json.loads(out)}
        assert calls["call"] >= calls["first token"] > 50, calls
        version = run(str(BIN / "locust"), "--version", allowed=(0,))
    else:
        Path(folder, "load.js").write_text(block("text", "k6/http"))
        # The exit code is 99 if a threshold is crossed, which depends on the speed of the machine.
        options = f"run --quiet --summary-export out.json -e HOST={URL} load.js".split()
        run(str(BIN / "k6"), *options, allowed=(0, 99))
        metrics = json.loads(Path(folder, "out.json").read_text())["metrics"]
        assert metrics["call_attempts"]["count"] > metrics["iterations"]["count"] > 50, metrics
        version = run(str(BIN / "k6"), "version", allowed=(0,))

steps = control("GET", "/plan")["steps"]
control("DELETE", "/plan")
assert len(steps) == 4
assert all(step["evaluated"] >= step["applied"] > 0 for step in steps), steps
assert steps[0]["evaluated"] > steps[0]["applied"]
print(" ".join(version.split()[:2]))  # noqa: T201
