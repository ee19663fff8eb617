"""What is asked in a benchmark, and the fixtures that answer it."""

from __future__ import annotations

import json

PATH = "/aimlapi/v1/chat/completions"
HEADERS = {"Authorization": "Bearer sk-benchmark", "Content-Type": "application/json"}

MODEL = "gpt-4o"
CANNED = "Benchmark: canned"
STREAM = "Benchmark: stream"
PACED = "Benchmark: paced"
HELD = "Benchmark: held"
WORDS = ["the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog", "and"]
TEXT = " ".join(WORDS * 5)  # fifty words
PACE = 0.05  # seconds between two chunks of the paced stream
CHUNKS = 100  # of text in the paced stream
NUMBERED = {"user": "customer @NUMBER@"}  # what makes each request another one


def body(question: str, **more: object) -> bytes:
    """A chat request of usual size: a system prompt, a turn, a question."""
    messages = [
        {"role": "system", "content": "You are a helpful assistant. " * 4},
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hello! How can I assist you today?"},
        {"role": "user", "content": question},
    ]
    return json.dumps({"model": MODEL, "messages": messages, **more}).encode()


def conversation(size: int) -> bytes:
    """A chat request of about `size` bytes, in messages of a thousand characters."""
    said = (TEXT * 5)[:1000]
    turns = [{"role": ("user", "assistant")[turn % 2], "content": said} for turn in range(size // 1040)]
    messages = [*turns, {"role": "user", "content": CANNED}]
    return json.dumps({"model": MODEL, "messages": messages}).encode()


def image(size: int) -> bytes:
    """A chat request with an image of `size` bytes in it, as base64 text."""
    url = "data:image/png;base64," + "iVBORw0KGgoAAAANSUhEUgAA" * (size // 24)
    parts = [{"type": "text", "text": CANNED}, {"type": "image_url", "image_url": {"url": url}}]
    return json.dumps({"model": MODEL, "messages": [{"role": "user", "content": parts}]}).encode()


FEW = f"""\
fixtures:
  - match: {{user: "{CANNED}"}}
    response: {TEXT}
  - match: {{user: "{STREAM}"}}
    response: {{text: {TEXT}, stream: {{chunk: word}}}}
  - match: {{user: "{PACED}"}}
    response: {{text: {TEXT} {TEXT}, stream: {{chunk: word, tps: {1 / PACE:g}}}}}
  - match: {{user: "{HELD}"}}
    response: {{text: {TEXT}, stream: {{chunk: word, tps: 0.2}}}}
"""


def many(count: int) -> str:
    """A file of so many fixtures: by the exact question, by a part of it, by a pattern, a third each."""
    return "fixtures:\n" + "".join(
        f"  - match: {{user: {_MATCHES[number % 3].format(number)}}}\n    response: {TEXT}\n"
        for number in range(count)
    )


def questions(count: int) -> list[bytes]:
    """Requests for thirty of so many fixtures, from the first to the last."""
    numbers = sorted({round(step * (count - 1) / 29) for step in range(30)})
    return [body(_QUESTIONS[number % 3].format(number), **NUMBERED) for number in numbers]


_MATCHES = (
    '{{equals: "Where is order {}?"}}',
    '"refund of invoice {} please"',
    "{{regex: '(?i)\\bticket-{}-\\w+'}}",
)
_QUESTIONS = (
    "Where is order {}?",
    "I would like a refund of invoice {} please, and soon.",
    "What became of Ticket-{}-b, which I wrote last week?",
)
