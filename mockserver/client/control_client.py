"""The control API of one server, asked over HTTP: what it refuses is raised, what it tells is returned."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlencode, urlsplit

from mockserver.client.arguments import encode_argument
from mockserver.errors import InputError, Problem

__tracebackhide__ = True  # as in `remote`
DEFAULT_TIMEOUT = 10.0  # seconds until a server is taken for dead


@dataclass(frozen=True)
class ControlClient:
    """The way to a server whose root is `root`, as `http://127.0.0.1:8402`. Threads may share it.

    Raises ValueError for a root that is no URL. Every call raises InputError for what the server refuses,
    LookupError for what it does not have, and ConnectionError where no mockserver answers.
    """

    root: str
    token: str | None = None  # the server's admin token

    def __post_init__(self) -> None:
        parts = urlsplit(self.root)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError(f"found {self.root!r}, expected a server's root like http://127.0.0.1:8402")
        object.__setattr__(self, "root", self.root.rstrip("/"))

    def get(self, path: str, session: str | None = None, **query: object) -> Any:
        return self.check_response(*self.send("GET", path, session, query=query))

    def post(self, path: str, session: str | None = None, body: object = None) -> Any:
        """`body` is sent as JSON; bytes are sent as the YAML that they are."""
        return self.check_response(*self.send("POST", path, session, body))

    def put(self, path: str, session: str | None = None, body: object = None) -> Any:
        """As `post`."""
        return self.check_response(*self.send("PUT", path, session, body))

    def send(
        self,
        method: str,
        path: str,
        session: str | None = None,
        body: object = None,
        *,
        query: Mapping[str, object] | None = None,
        timeout: float = DEFAULT_TIMEOUT,
    ) -> tuple[int, Any]:
        """The status and the JSON of an answer, whatever it says. `patience` is in seconds."""
        parts = urlsplit(self.root)
        asked = {**({} if session is None else {"session": session}), **(query or {})}
        where = f"{parts.path}/_mock{path}{'?' if asked else ''}{urlencode(asked)}"
        secure = parts.scheme == "https"
        made = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        written = self._encode_body(body)
        connection = made(parts.netloc.rpartition("@")[2], timeout=timeout)
        try:
            connection.request(method, where, *written)
            answer = connection.getresponse()
            return answer.status, _decode_json(answer.read())
        except (OSError, http.client.HTTPException) as error:
            why = str(error) or type(error).__name__
            raise ConnectionError(f"no mockserver answers at {self.root}: {why}") from None
        except ValueError:
            raise ConnectionError(f"what answers at {self.root} is no mockserver: {_ROOT_HINT}") from None
        finally:
            connection.close()

    @cached_property
    def vendors(self) -> dict[str, dict[str, Any]]:
        """What the server says of its vendors, by name. It is asked once."""
        links = self.get("")
        if not isinstance(links, dict) or not isinstance(links.get("vendors"), dict):
            raise ConnectionError(f"what answers at {self.root} does not list its vendors: {_ROOT_HINT}")
        return dict(links["vendors"])

    def _encode_body(self, body: object) -> tuple[bytes | None, dict[str, str]]:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if body is None:
            return None, headers
        if isinstance(body, bytes):
            return body, headers | {"Content-Type": "application/yaml"}
        text = json.dumps(body, default=encode_argument, allow_nan=False)
        return text.encode(), headers | {"Content-Type": "application/json"}

    def check_response(self, status: int, answer: Any) -> Any:
        if status < 400:
            return answer
        refusal = parse_input_error(answer)
        if status == 404:
            raise LookupError(str(refusal))
        if status in (401, 403):
            raise ConnectionError(f"{self.root} does not let us in: {refusal}")
        if status >= 500:
            raise ConnectionError(f"{self.root} failed with {status}: {refusal}")
        raise refusal


def parse_input_error(answer: Any) -> InputError:
    """What the server found wrong, as its own reader would have said it."""
    error = answer.get("error") if isinstance(answer, dict) else None
    if not isinstance(error, dict):
        return InputError.from_message(f"the server answered {json.dumps(answer)[:200]}")
    problems = [Problem(one.get("message", ""), one.get("path", "")) for one in error.get("problems") or ()]
    return InputError(*problems) if problems else InputError.from_message(str(error.get("message", "")))


def _decode_json(body: bytes) -> Any:
    return json.loads(body) if body.strip() else None


_ROOT_HINT = "give the root that `mockserver` prints when it starts"
