"""The table of all rules, with their numbers and their advice."""

from __future__ import annotations

from mockserver.report import call_rules, session_rules
from mockserver.report.call_rules import (
    IMMEDIATE,
    LONG_RETRY_AFTER,
    MAX_ATTEMPTS,
    MAX_ATTEMPTS_PER_SECOND,
    MIN_CONSTANT_WAITS,
    MIN_GROWTH,
    PERMANENT_STATUSES,
    TEMPORARY_STATUSES,
    observe_each_call,
)
from mockserver.report.finding import ReportRule
from mockserver.report.logical_calls import HONOURED
from mockserver.report.session_rules import (
    EQUAL_PROMPTS_WINDOW,
    FAILOVER_WINDOW,
    MAX_EQUAL_PROMPTS,
    MAX_REFUSED,
    MIN_JITTERED_CALLS,
    SAME_WAIT,
    SILENCE,
)
from mockserver.schema.messages import format_alternatives

REPORT_RULES = (
    ReportRule(
        "retry-after-shortened",
        "error",
        f"the next attempt arrives when less than {HONOURED:.0%} of Retry-After has passed",
        "Wait as long as Retry-After or retry-after-ms says.",
        observe_each_call(call_rules.find_short_waits),
    ),
    ReportRule(
        "permanent-error-retried",
        "error",
        f"another attempt after {format_alternatives(map(str, PERMANENT_STATUSES))}",
        "Retry 408, 409, 429 and 5xx only.",
        observe_each_call(call_rules.find_useless_retries),
    ),
    ReportRule(
        "requests-after-refusal",
        "error",
        f"{MAX_REFUSED} more requests with the same key after 402, or after 403 for a model, all refused",
        "Stop all requests with this key until a person has looked at the account.",
        session_rules.find_requests_after_refusal,
    ),
    ReportRule(
        "too-many-attempts",
        "error",
        f"more than {MAX_ATTEMPTS} attempts of a call, or more than {MAX_ATTEMPTS_PER_SECOND} within 1 s",
        "Limit the number of attempts, and wait longer before each.",
        observe_each_call(call_rules.find_many_attempts),
    ),
    ReportRule(
        "charged-twice",
        "error",
        "two charged answers for one call, neither of them broken by a fault",
        "Raise the client's timeout, or retry only what has failed.",
        observe_each_call(call_rules.find_double_charges),
    ),
    ReportRule(
        "retried-after-text",
        "error",
        "another attempt after a stream that broke when its first text had been sent",
        "Show the error, or ask for the rest; the user has read the beginning.",
        observe_each_call(call_rules.find_retries_after_text),
    ),
    ReportRule(
        "key-at-another-vendor",
        "error",
        "one API key at two vendors; keys of up to 8 characters and those like `test-...` do not count",
        "Give each vendor its own key, and change the key that was sent to the wrong one.",
        session_rules.find_keys_at_other_vendors,
    ),
    ReportRule(
        "tool-call-without-result",
        "error",
        "a request whose messages go on after a tool call without its result",
        "Send a result for each tool call, also if the tool has failed.",
        session_rules.find_open_tool_calls,
    ),
    ReportRule(
        "no-backoff",
        "advice",
        f"two or more waits without Retry-After, all below {IMMEDIATE * 1000:.0f} ms, "
        f"or {MIN_CONSTANT_WAITS} or more, the longest below {MIN_GROWTH} times the shortest",
        "Double the wait before each attempt.",
        observe_each_call(call_rules.find_missing_backoff),
    ),
    ReportRule(
        "no-jitter",
        "advice",
        f"the first waits of {MIN_JITTERED_CALLS} or more calls differ by at most {SAME_WAIT:.0%}",
        "Add a random part to each wait, so that clients do not return at the same time.",
        session_rules.find_missing_jitter,
    ),
    ReportRule(
        "gave-up-early",
        "advice",
        f"a single attempt after {format_alternatives(map(str, TEMPORARY_STATUSES))} or a lost connection; "
        f"not with a Retry-After above {LONG_RETRY_AFTER:.0f} s",
        "Try again at least once.",
        session_rules.find_early_give_ups,
    ),
    ReportRule(
        "no-read-timeout",
        "advice",
        f"a connection still open after more than {SILENCE:.0f} s of silence",
        "Set a read timeout.",
        session_rules.find_missing_timeouts,
    ),
    ReportRule(
        "partial-answer-used",
        "advice",
        "a cut stream, one with an error event, or an answer cut by the token limit, repeated in a later request "
        "that does not ask for the rest",
        "Check finish_reason, and ask for the rest.",
        session_rules.find_partial_answers,
    ),
    ReportRule(
        "stream-closed-early",
        "advice",
        "a charged stream that the client closes after its first text",
        "Limit the length with max_completion_tokens instead.",
        session_rules.find_paid_streams,
    ),
    ReportRule(
        "failed-over",
        "advice",
        f"the prompt of a failed call at another vendor within {FAILOVER_WINDOW:.0f} s",
        "Check that the time until then, and until the return, is as intended.",
        session_rules.find_failovers,
    ),
    ReportRule(
        "equal-prompts",
        "advice",
        f"{MAX_EQUAL_PROMPTS} calls with equal bodies within {EQUAL_PROMPTS_WINDOW:.0f} s",
        "Cache the answer.",
        session_rules.find_equal_prompts,
    ),
)
