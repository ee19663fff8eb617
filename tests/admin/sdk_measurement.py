"""The outcome of requests in the OpenAI SDK that is installed; as a script, for the cells on stdin.

It needs nothing but the SDK, so that any release of it can run it.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai

Outcome = list[Any]  # the exception, attempts, chunks, whether `choices` are None
MESSAGES: Any = [{"role": "user", "content": "words"}]
PATIENCE = 2.0  # seconds, where nothing more arrives


class ImpatientClient(openai.OpenAI):
    """The SDK as it is, but for the pauses between its attempts."""

    attempts = 1

    def _calculate_retry_timeout(self, *_: Any, **__: Any) -> float:
        self.attempts += 1
        return 0.0


def measure_outcome(
    base_url: str, headers: dict[str, str], *, stream: bool, retries: int = 2, words: str = "words"
) -> Outcome:
    """Return what a caller of the SDK meets."""
    raised, chunks, bare = None, 0, False
    started = False
    timeout = PATIENCE if headers.get("X-Mock-Fault", "").startswith("hang") else 20
    messages: Any = [{"role": "user", "content": words}]
    with ImpatientClient(
        base_url=base_url, api_key="key", max_retries=retries, timeout=timeout, default_headers=headers
    ) as client:
        try:
            answer: Any = client.chat.completions.create(model="o3-mini", messages=messages, stream=stream)
            started = stream
            for chunk in answer if stream else [answer]:
                choices = getattr(chunk, "choices", None)
                bare = bare or choices is None
                if stream and choices:
                    chunks += any(choice.delta.content for choice in choices)
        except Exception as error:  # noqa: BLE001 which one, is the question
            raised = type(error).__name__
        return [raised, client.attempts, chunks if started else None, bare]


def main() -> None:
    """Measure the cells on stdin, each `[base_url, headers, stream]`, and print the version and the outcomes."""
    cells = json.load(sys.stdin)
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda cell: measure_outcome(cell[0], cell[1], stream=cell[2]), cells))
    json.dump({"version": openai.__version__, "outcomes": outcomes}, sys.stdout)


if __name__ == "__main__":
    main()
