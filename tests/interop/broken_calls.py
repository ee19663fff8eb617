"""One call for each cell on stdin, `[base_url, headers, stream]`, through a client with its own settings; as a script.

`python broken_calls.py openai|langchain|litellm` prints the version of the client. What a call raises is its caller's
business; the requests that it sends are the server's.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib.metadata import version
from typing import Any

TIMEOUT = 2.0  # seconds
QUESTION: Any = [{"role": "user", "content": "words"}]
Call = Callable[[str, dict[str, str], bool], object]


def call_openai(base_url: str, headers: dict[str, str], stream: bool) -> object:
    import openai  # noqa: PLC0415 each virtual environment has one of them

    with openai.OpenAI(
        base_url=base_url, api_key="any key", timeout=TIMEOUT, default_headers=headers
    ) as client:
        answer = client.chat.completions.create(model="o3-mini", messages=QUESTION, stream=stream)
        return list(answer) if stream else answer


def call_langchain(base_url: str, headers: dict[str, str], stream: bool) -> object:
    from langchain_openai import ChatOpenAI  # noqa: PLC0415

    model = ChatOpenAI(
        model="o3-mini", base_url=base_url, api_key="any key", timeout=TIMEOUT, default_headers=headers
    )
    return list(model.stream("words")) if stream else model.invoke("words")


def call_litellm(base_url: str, headers: dict[str, str], stream: bool) -> object:
    import litellm  # noqa: PLC0415

    answer = litellm.completion(
        model="openai/o3-mini",
        messages=QUESTION,
        api_base=base_url,
        api_key="any key",
        timeout=TIMEOUT,
        num_retries=2,
        stream=stream,
        extra_headers=headers,
    )
    return list(answer) if stream else answer


CALLS: dict[str, tuple[str, Call]] = {
    "openai": ("openai", call_openai),
    "langchain": ("langchain-openai", call_langchain),
    "litellm": ("litellm", call_litellm),
}


def main(name: str) -> None:
    distribution, call = CALLS[name]

    def run(cell: list[Any]) -> None:
        with suppress(Exception):
            call(*cell)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(run, json.load(sys.stdin)))
    print(f"{distribution} {version(distribution)}")  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1])
