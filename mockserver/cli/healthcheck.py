"""A readiness probe that needs only the standard library, because a container runs it every few seconds."""

from __future__ import annotations

import http.client
import time
from pathlib import Path

from mockserver.server.addresses import format_server_url, get_connect_host

_REQUEST_TIMEOUT = 2.0  # seconds for one attempt
_POLL_INTERVAL = 0.1  # seconds between two attempts
_MAX_SHOWN_BYTES = 80  # bytes of a response that a message quotes

_PROCESSES = Path("/proc")  # exists on Linux

_START_HINT = "start one with `mockserver serve`, or give its address with --host and --port"


class NotReady(Exception):
    """A failed probe; the message is one line with the URL, the result and a hint."""


def read_server_arguments(pid: int) -> list[str]:
    """Return the arguments of `mockserver` in a process's command line; empty if it runs no such command.

    The process may be an init of the container, whose command line contains that of the server.
    """
    try:
        words = (_PROCESSES / str(pid) / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")[:-1]
    except OSError:
        return []
    names = [Path(word).name for word in words]
    return words[names.index("mockserver") + 1 :] if "mockserver" in names else []


def wait_until_ready(host: str, port: int, wait: float = 0.0) -> None:
    """Return when `/readyz` answers 200, for which it has `wait` seconds. Raises NotReady."""
    host = get_connect_host(host.strip("[]"))
    url = f"{format_server_url((host, port))}/readyz"
    if not 1 <= port <= 65535:
        raise NotReady(
            f"{url}: port {port} cannot be probed; give the port that the server printed with --port"
        )
    deadline = time.monotonic() + wait
    while problem := _probe(host, port):
        left = deadline - time.monotonic()
        if left <= 0:
            raise NotReady(f"{url}: {problem}" + (f" (tried for {wait:g} s)" if wait else ""))
        time.sleep(min(_POLL_INTERVAL, left))


def _probe(host: str, port: int) -> str:
    """Return what is wrong; empty if the server is ready."""
    connection = http.client.HTTPConnection(host, port, timeout=_REQUEST_TIMEOUT)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        if response.status == 200:
            return ""
        body = response.read(_MAX_SHOWN_BYTES).decode("ascii", "replace")
    except ConnectionRefusedError:
        return f"nothing listens there; {_START_HINT}"
    except TimeoutError:
        return f"no answer within {_REQUEST_TIMEOUT:g} s; look at the server's log, or {_START_HINT}"
    except http.client.HTTPException as error:
        return f"the response is not HTTP ({type(error).__name__}); {_START_HINT}"
    except (OSError, ValueError) as error:  # an invalid host name is a ValueError
        return f"it cannot be reached: {error}; {_START_HINT}"
    finally:
        connection.close()
    return f"answered {response.status} {' '.join(body.split())}; look at the log of the server there"
