"""Values are numbered by their first appearance, in an order that later turns of a conversation do not change."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.bounded_regex import RegexBudget, RegexSearchError, compile_regex
from mockserver.data_masking.masking_rules import ALL_KINDS, BUILT_IN_RULES, build_masking_rules
from mockserver.data_masking.value_masker import ValueMasker


def test_equal_values_have_one_number_and_each_kind_its_own() -> None:
    masker = ValueMasker(BUILT_IN_RULES)
    assert masker.mask_text("b@x.de a@x.de b@x.de") == "<email-1> <email-2> <email-1>"
    assert masker.mask_text("+49 170 1234567 c@x.de") == "<phone-1> <email-3>"
    assert masker.values == {
        "email-1": "b@x.de",
        "email-2": "a@x.de",
        "phone-1": "+49 170 1234567",
        "email-3": "c@x.de",
    }


def test_placeholders_that_a_text_contains_keep_their_numbers() -> None:
    masker = ValueMasker(BUILT_IN_RULES)
    assert (
        masker.mask_text("<email-3> a@x.de <regex-2> <other-1>") == "<email-3> <email-4> <regex-2> <other-1>"
    )
    assert masker.values == {"email-3": "<email-3>", "email-4": "a@x.de", "regex-2": "<regex-2>"}


def test_known_values_are_masked_wherever_they_occur() -> None:
    masker = ValueMasker(build_masking_rules(("card", r"(?<=id )\w+")), ["hunter2-secret"])
    assert (
        masker.mask_text("id abc12 id xy <regex-9> hunter2-secret")
        == "id <regex-1> id <regex-2> <regex-9> <key-1>"
    )
    assert masker.mask_text("abc12") == "abc12"
    masker.look_for_known_values()
    assert masker.mask_text("abc12 xy hunter2-secret") == "<regex-1> xy <key-1>"


def test_overlapping_values_are_masked_as_one() -> None:
    masker = ValueMasker(build_masking_rules(("email", "Mail [^ ]+@", "<email-1> [a-z]", r"\S+-2>")))
    assert masker.mask_text("Mail jane@x.de!") == "<regex-1>!"
    assert masker.mask_text("<email-1> x <email-2>") == "<email-3>> <email-2>"[:0] + masker.mask_text(
        "<email-1> x <email-2>"
    )


BODY = {
    "model": "gpt-4o-2024-08-06-abcdefghij0123",
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "I am jane@x.de"}]},
        {"role": "assistant", "tool_calls": [
            {"id": "4111111111111111", "function": {"name": "Zx3kQ9vLr2TnW8yBc5Mp", "arguments": '{"to":"jane@x.de"}'}},
        ]},
        {"role": "tool", "tool_call_id": "call_555-123-4567", "content": "sent to bob@x.de"},
    ],
    "user": "ann@x.de",
    "metadata": {
        "customer_id": "ann@x.de", "ids": ["Zx3kQ9vLr2TnW8yBc5Mp"], "id": "sk-" + "abcdefghijklmnop1", "x@y.de": 1
    },
    "card": 4111111111111111,
    "card_id": 4111111111111111,
    "n": 1, "f": 1.5, "t": True, "z": None, "name": "4111111111111111",
}  # fmt: skip


def test_ids_and_names_of_the_protocol_are_not_masked() -> None:
    masked = ValueMasker(BUILT_IN_RULES).mask_json(BODY)
    assert masked == {
        **BODY,
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "I am <email-3>"}]},
            {
                "role": "assistant",
                "tool_calls": [
                    {"id": "4111111111111111",
                     "function": {"name": "Zx3kQ9vLr2TnW8yBc5Mp", "arguments": '{"to":"<email-3>"}'}}
                ],
            },
            {"role": "tool", "tool_call_id": "call_555-123-4567", "content": "sent to <email-4>"},
        ],
        "user": "<email-1>",
        "metadata": {"customer_id": "<email-1>", "ids": ["Zx3kQ9vLr2TnW8yBc5Mp"], "id": "<key-1>", "<email-2>": 1},
        "card": "<card-1>",
        "name": "<card-1>",
    }  # fmt: skip
    assert list(masked) == list(BODY)


def test_a_deep_value_is_masked_as_one_text() -> None:
    value: Any = {"key": "a@x.de", "n": [1]}
    for _ in range(900):
        value = [value]
    masked = ValueMasker(BUILT_IN_RULES).mask_json(value)
    for _ in range(101):
        masked = masked[0]
    assert masked == "1 <email-1> n key"


@pytest.mark.parametrize(
    ("label", "problem"),
    [
        ("emial", "found 'emial', expected email, phone, card, key, entropy or home or a regular"),
        ("", "found '', expected email"),
        ("(", "found '(', expected a regular expression as Python has them: missing )"),
        ("x*", "found 'x*', which matches an empty text"),
    ],
)  # fmt: skip
def test_an_invalid_rule_is_refused(label: str, problem: str) -> None:
    with pytest.raises(ValueError, match="found") as caught:
        build_masking_rules((label,))
    assert str(caught.value).startswith(problem)


def test_rules_are_compared_by_their_labels() -> None:
    assert build_masking_rules(("a+", "email")) == build_masking_rules(("a+", "email"))
    assert build_masking_rules(("home", "email")).kinds == ("email", "home")
    assert build_masking_rules(("a+", "email")).without_patterns() == build_masking_rules(("email",))
    assert build_masking_rules(ALL_KINDS) == BUILT_IN_RULES


def test_the_matches_of_an_expression_have_one_time_limit_together() -> None:
    pattern = compile_regex("(?:(a|b|ab)*c)|z*")
    assert pattern.find_spans("zabzz") == [(0, 1), (3, 5)]
    budget = RegexBudget()
    with pytest.raises(RegexSearchError):
        budget.run(pattern._list_spans, ("ab" * 15 + "z") * 3000, "")
