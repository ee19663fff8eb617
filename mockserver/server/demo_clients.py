"""The scripted clients of the demo: a good one, a bad one, one under a plan, and one with slow and broken streams.

Each has a session with its own fixtures and, for two of them, an account that runs out, so that the demo is independent
of the fixtures that the server serves.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mockserver.fixtures.plan_spec import PlanStep
from mockserver.matching.loader import LoadedFile, load_runtime_document
from mockserver.matching.plan_loader import parse_runtime_plan
from mockserver.schema.yaml_document import parse_yaml
from mockserver.vendors.vendor import Vendor


@dataclass(frozen=True, slots=True)
class ScriptedCall:
    """A request, and after a failure one retry after each of the delays in seconds.

    A delay of None means that of the Retry-After header. A call with `repeats` is made so often, each time with its
    number in the prompt. `pause` is in seconds, before each of them; `vendor_index` counts from 0.
    """

    name: str  # of its fixture
    vendor_index: int
    prompt: str
    responses_yaml: str  # of the fixture, in YAML
    retry_delays: tuple[float | None, ...] = ()
    stream: bool = False
    uses_account: bool = False  # sends the key of the client's account
    repeats: int = 1
    pause: float = 0.3


@dataclass(frozen=True, slots=True)
class ScriptedClient:
    """The script of one client, whose calls are made one after the other. `jitter` is a part of each delay."""

    session: str
    description: str
    calls: tuple[ScriptedCall, ...]
    jitter: float = 0.0
    account_balance: str = ""  # of an account of its own; empty: it has none
    stops_at_refusal: bool = True  # makes a call no more often once it is refused

    def account_key(self, vendor: Vendor) -> str:
        """Return the API key of its account."""
        return f"{vendor.profile.sample_key}-{self.session}"


_USAGE = "usage: {prompt_tokens: 2000, completion_tokens: 2000}"

CLIENTS = (
    ScriptedClient(
        "demo-good",
        "waits as long as Retry-After says, backs off with jitter, and stops when its account is empty",
        (
            ScriptedCall(
                "rate limited once",
                1,
                "Is this payment fraudulent? Answer yes or no.",
                "[{error: 429, retry_after: 2s, delay: 120ms}, {text: 'No.', delay: 400ms}]",
                (None,),
            ),
            ScriptedCall(
                "parcel",
                0,
                "My parcel has not arrived. What can I do?",
                "[{stream: {ttft: 600ms, tps: 14}, text: 'I am sorry to hear that. Could you tell me the number of "
                "your order, please? It is on the receipt that we sent you.'}]",
                stream=True,
            ),
            ScriptedCall(
                "three server errors",
                2,
                "Plan three days in Lisbon.",
                "[{error: 500, delay: 200ms}, {error: 502, delay: 150ms}, {error: 500, delay: 220ms}, "
                "{text: 'Alfama, Belém, Sintra.', delay: 500ms}]",
                (0.5, 1.0, 2.0),
            ),
            ScriptedCall(
                "paid translation",
                1,
                "Translate sentence",
                f"[{{text: Soupe du jour., delay: 250ms, {_USAGE}}}]",
                uses_account=True,
                repeats=6,
                pause=0.8,
            ),
        ),
        jitter=0.25,
        account_balance="$0.60",
    ),
    ScriptedClient(
        "demo-bad",
        "ignores Retry-After, retries at once and for ever, and goes on when its account is empty",
        (
            ScriptedCall(
                "overloaded",
                0,
                "Summarise this page in one sentence.",
                "[{error: 503, delay: 90ms, times: 7}, {text: A page about trains., delay: 250ms}]",
                (0.03,) * 7,
            ),
            ScriptedCall(
                "rate limited",
                0,
                "Translate the menu into French.",
                "[{error: 429, retry_after: 3s, delay: 80ms, times: 3}, {text: Soupe du jour., delay: 300ms}]",
                (0.4, 0.4, 0.4),
            ),
            ScriptedCall(
                "wrong parameter",
                1,
                "Why does nothing work?",
                "[{error: 400, delay: 100ms, times: 3}]",
                (0.5, 0.5),
            ),
            ScriptedCall(
                "cut stream",
                1,
                "Read me the news of today.",
                "[{text: Good morning. Here is what has happened in the world since you went to bed last night., "
                "stream: {ttft: 300ms, tps: 12}, fault: reset@9}, {text: Good morning. Here is what has happened in "
                "the world since you went to bed., stream: {ttft: 250ms, tps: 16}}]",
                (0.8,),
                stream=True,
            ),
            ScriptedCall(
                "paid summary",
                0,
                "Summarise chapter",
                f"[{{text: They meet., delay: 200ms, {_USAGE}}}]",
                uses_account=True,
                repeats=8,
                pause=0.5,
            ),
        ),
        account_balance="$0.40",
        stops_at_refusal=False,
    ),
    ScriptedClient(
        "demo-batch",
        "sends small requests while the plan makes the vendor fail, then slow",
        (
            ScriptedCall(
                "tickets",
                2,
                "Classify ticket",
                "[{text: Billing., delay: 150ms}]",
                (0.6, 1.2, 2.4),
                repeats=12,
                pause=0.7,
            ),
        ),
        jitter=0.25,
    ),
    ScriptedClient(
        "demo-voice",
        "reads streams: one that begins late, one that breaks, and an answer after a gateway timeout",
        (
            ScriptedCall(
                "late first token",
                0,
                "Tell me a joke.",
                "[{text: Why did the chicken cross the road? To retry on the other side., "
                "stream: {ttft: 1800ms, tps: 25}}]",
                stream=True,
            ),
            ScriptedCall(
                "malformed event",
                0,
                "Sing a song.",
                "[{text: 'Row, row, row your boat, gently down the stream.', stream: {ttft: 300ms, tps: 20}, "
                "fault: truncated_json@8}]",
                stream=True,
                pause=1.0,
            ),
            ScriptedCall(
                "gateway timeout",
                2,
                "Transcribe this recording.",
                "[{error: 504, delay: 2500ms}, {text: Hello?, delay: 900ms}]",
                (1.0,),
                pause=1.0,
            ),
        ),
        jitter=0.25,
    ),
)

PLAN_YAML = """
- {at: 4s, for: 4s, match: {session: demo-batch}, error: 503}
- {at: 11s, for: 4s, match: {session: demo-batch}, delay: 1200ms}
"""


def load_client_document(
    client: ScriptedClient, vendors: Sequence[Vendor], *, known_keys_only: bool
) -> LoadedFile:
    """Return the fixtures and the accounts of a client; `known_keys_only`: each of its keys has an account."""
    lines = ["fixtures:"]
    for call in client.calls:
        lines.append(f"- name: {client.session} {call.name}")
        lines.append(f"  match: {{user: {{contains: '{call.prompt}'}}}}")
        lines += ["  then: cycle", f"  responses: {call.responses_yaml}"]
    accounts = [*_account_lines(client, vendors, known_keys_only=known_keys_only)]
    text = "\n".join([*lines, *(["accounts:"] if accounts else []), *accounts])
    return load_runtime_document(parse_yaml(text, "demo"), client.session)


def _account_lines(
    client: ScriptedClient, vendors: Sequence[Vendor], *, known_keys_only: bool
) -> Iterable[str]:
    for vendor in dict.fromkeys(get_call_vendor(call, vendors) for call in client.calls if call.uses_account):
        key = client.account_key(vendor)
        yield f"- {{key: '{key}', name: {client.session}, balance: {client.account_balance}}}"
    if known_keys_only:
        for vendor in dict.fromkeys(get_call_vendor(call, vendors) for call in client.calls):
            yield f"- {{key: '{vendor.profile.sample_key}'}}"


def get_call_vendor(call: ScriptedCall, vendors: Sequence[Vendor]) -> Vendor:
    """Return the vendor of a call, of however many there are."""
    return vendors[call.vendor_index % len(vendors)]


def load_demo_plan() -> tuple[PlanStep, ...]:
    """Return the plan of the demo."""
    return parse_runtime_plan(parse_yaml(PLAN_YAML, "demo"))
