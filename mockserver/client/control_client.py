"""An HTTP client of the admin API, which raises its errors as exceptions."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlencode, urlsplit

from mockserver import __version__
from mockserver.client.arguments import encode_argument
from mockserver.errors import InputError, Problem
from mockserver.schema.messages import truncate_text
from mockserver.settings import API_VERSION

__tracebackhide__ = True  # as in `session_client`
DEFAULT_TIMEOUT = 10.0  # seconds


@dataclass(frozen=True)
class ControlClient:
    """An HTTP client of the admin API of the server at `root`, like `http://127.0.0.1:8402`; thread-safe.

    Raises ValueError for an invalid root. Every method raises InputError for a request that the server rejects,
    LookupError for what it does not have, and ConnectionError if no mockserver responds or it denies access.
    """

    root: str
    token: str | None = None  # the server's admin token

    def __post_init__(self) -> None:
        parts = urlsplit(self.root)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError(f"found {self.root!r}, expected a server's root like http://127.0.0.1:8402")
        object.__setattr__(self, "root", self.root.rstrip("/"))

    def get(self, path: str, session: str | None = None, **query: object) -> Any:
        """Return the response to a GET request below `/_mock`; `session` None means all sessions."""
        return self.check_response(*self.send("GET", path, session, query=query))

    def post(self, path: str, session: str | None = None, body: object = None) -> Any:
        """Return the response to a POST request; `body` is sent as JSON, or as YAML if it is bytes."""
        return self.check_response(*self.send("POST", path, session, body))

    def put(self, path: str, session: str | None = None, body: object = None) -> Any:
        """Return the response to a PUT request; `body` as in `post`."""
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
        """Send a request and return the status and the parsed body, whatever the status; `timeout` is in seconds."""
        parts = urlsplit(self.root)
        parameters = {**({} if session is None else {"session": session}), **(query or {})}
        url = f"{parts.path}/_mock{path}{'?' if parameters else ''}{urlencode(parameters)}"
        secure = parts.scheme == "https"
        connect = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        content, headers = self._encode_body(body)
        connection = connect(parts.netloc.rpartition("@")[2], timeout=timeout)
        try:
            connection.request(method, url, content, headers)
            response = connection.getresponse()
            return response.status, _decode_json(response.read())
        except (OSError, http.client.HTTPException) as error:
            reason = str(error) or type(error).__name__
            raise ConnectionError(f"no mockserver answers at {self.root}: {reason}") from None
        except ValueError:
            raise ConnectionError(f"the server at {self.root} is not a mockserver: {_ROOT_HINT}") from None
        finally:
            connection.close()

    @cached_property
    def vendors(self) -> dict[str, dict[str, Any]]:
        """The server's description of its vendors, by name; requested once."""
        index = self.get("")
        if not isinstance(index, dict) or not isinstance(index.get("vendors"), dict):
            raise ConnectionError(f"the server at {self.root} does not list its vendors: {_ROOT_HINT}")
        version = index.get("api_version")
        if not isinstance(version, int) or version < API_VERSION:
            raise ConnectionError(
                f"the server at {self.root} (mockserver {index.get('version')}) is too old for this client, "
                f"mockserver {__version__}: update the server"
            )
        return dict(index["vendors"])

    def _encode_body(self, body: object) -> tuple[bytes | None, dict[str, str]]:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if body is None:
            return None, headers
        if isinstance(body, bytes):
            return body, headers | {"Content-Type": "application/yaml"}
        text = json.dumps(body, default=encode_argument, allow_nan=False)
        return text.encode(), headers | {"Content-Type": "application/json"}

    def check_response(self, status: int, data: Any) -> Any:
        """Return the parsed body of a success; raise the exception of an error status."""
        if status < 400:
            return data
        error = parse_input_error(data)
        if status == 404:
            raise LookupError(str(error))
        if status in (401, 403):
            raise ConnectionError(f"{self.root} denies access: {error}")
        if status >= 500:
            raise ConnectionError(f"{self.root} failed with {status}: {error}")
        raise error


def parse_input_error(data: Any) -> InputError:
    """Return the InputError that the server has reported in the body of an error response."""
    error = data.get("error") if isinstance(data, dict) else None
    if not isinstance(error, dict):
        return InputError.from_message(f"the server answered {truncate_text(json.dumps(data), 200)}")
    problems = [Problem(one.get("message", ""), one.get("path", "")) for one in error.get("problems") or ()]
    return InputError(*problems) if problems else InputError.from_message(str(error.get("message", "")))


def _decode_json(body: bytes) -> Any:
    return json.loads(body) if body.strip() else None


_ROOT_HINT = "use the URL that `mockserver` prints when it starts"
