"""Asks a server whether it is ready, with the standard library alone: a container does so every few seconds."""

from __future__ import annotations

import http.client
import time

_REQUEST_TIMEOUT = 2.0  # seconds that one try may take
_POLL_INTERVAL = 0.1  # seconds between two tries
_MAX_SHOWN_BYTES = 80  # characters of an answer
_LOOPBACK_ADDRESSES = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 what listens everywhere is near

_START_HINT = "start one with `mockserver serve`, or say where it is with --host and --port"


class NotReady(Exception):
    """What was asked, what came back, and what to do, in one line."""


def wait_until_ready(host: str, port: int, wait: float = 0.0) -> None:
    """Returns once `/readyz` answers 200, for which it has `wait` seconds. Raises NotReady."""
    bare = host.strip("[]")
    host = _LOOPBACK_ADDRESSES.get(bare, bare)
    asked = f"http://{f'[{host}]' if ':' in host else host}:{port}/readyz"
    if not 1 <= port <= 65535:
        raise NotReady(f"{asked}: port {port} cannot be asked; name the one that the server said with --port")
    deadline = time.monotonic() + wait
    while heard := _probe(host, port):
        left = deadline - time.monotonic()
        if left <= 0:
            raise NotReady(f"{asked}: {heard}" + (f" (asked for {wait:g} s)" if wait else ""))
        time.sleep(min(_POLL_INTERVAL, left))


def _probe(host: str, port: int) -> str:
    """What is wrong; nothing when the server is ready."""
    connection = http.client.HTTPConnection(host, port, timeout=_REQUEST_TIMEOUT)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        if answer.status == 200:
            return ""
        said = answer.read(_MAX_SHOWN_BYTES).decode("ascii", "replace")
    except ConnectionRefusedError:
        return f"nothing listens there; {_START_HINT}"
    except TimeoutError:
        return f"no answer within {_REQUEST_TIMEOUT:g} s; look at the server's log, or {_START_HINT}"
    except http.client.HTTPException as error:
        return f"what answered speaks no HTTP ({type(error).__name__}); {_START_HINT}"
    except (OSError, ValueError) as error:  # a name that is none is a ValueError
        return f"it cannot be reached: {error}; {_START_HINT}"
    finally:
        connection.close()
    return f"answered {answer.status} {' '.join(said.split())}; look at the log of the server there"
