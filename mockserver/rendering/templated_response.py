"""A response whose texts are templates, filled for one call: the same request gets the same words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from time import thread_time
from typing import TYPE_CHECKING, Any

from mockserver.data_masking.masked_request import mask_request
from mockserver.errors import ApiError, InputError
from mockserver.fixtures.fixture import Fixture
from mockserver.fixtures.jinja_template import fill_template, list_fake_providers, transform_texts
from mockserver.fixtures.response_spec import ChoiceSpec, ResponseSpec
from mockserver.fixtures.template_budget import TemplateBudget
from mockserver.generation.faker_text import DEFAULT_LOCALE, seed_faker, stable_hash
from mockserver.matching.fixture_set import extract_regex_groups
from mockserver.request.chat_request import ChatRequest
from mockserver.schema.messages import did_you_mean, format_alternatives

if TYPE_CHECKING:
    from faker import Faker


class _SeededFaker:
    """Faker, made when a template first asks for it."""

    def __init__(self, seed: int, locale: str, budget: TemplateBudget) -> None:
        self._seed, self._locale, self._budget = seed, locale, budget
        self._faker: Faker | None = None

    def __getattr__(self, name: str) -> Any:
        if name not in list_fake_providers():
            raise AttributeError(f"fake has no {name!r}{did_you_mean(name, list_fake_providers())}")
        if self._faker is None:
            started = thread_time()
            self._faker = seed_faker(self._locale, self._seed)
            self._budget.extend(thread_time() - started)
        return getattr(self._faker, name)


class _MaskedValues:
    """The masked values of a request by their names; no mapping, as `RegexGroups` is none."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> str:
        if name not in self._values:
            raise ValueError(
                f"mask has no {name!r}: this request has {format_alternatives(self._values) or 'none'}"
            )
        return self._values[name]


def fill_response_template(
    request: ChatRequest, fixture: Fixture, response: ResponseSpec, seed: int, locale: str = DEFAULT_LOCALE
) -> ResponseSpec:
    """Fill the templates of a response, separately for each choice.

    Raises ApiError if a template fails; its `x-should-retry` header keeps SDKs from retrying.
    """
    list_fake_providers()  # imports Faker, before the time of the budget begins
    budget = TemplateBudget()
    names: dict[str, Any] = {
        "user": request.parsed.last_user_text,
        "match": extract_regex_groups(request, fixture),
        "body": request.parsed.body,
        "vendor": request.vendor.name,
        "model": request.model,
        "key": request.api_key,
        "session": request.session,
        "turn": request.parsed.user_turns,
        "attempt": request.attempt,
        "now": datetime.now(UTC),
    }
    if fixture.masking is not None:
        names["mask"] = _MaskedValues(mask_request(request, fixture.masking).values)

    def fake(index: int) -> _SeededFaker:
        return _SeededFaker(
            stable_hash(seed, request.parsed.body.get("seed"), fixture.name, index), locale, budget
        )

    try:
        if any(one is not None for one in (response.error, response.raw, response.embedding)):
            return _fill_texts(response, names, fake(0), budget)
        choices = (
            response.all_choices if response.choices else response.all_choices * request.parsed.choice_count
        )
        filled = tuple(
            _fill_texts(ResponseSpec(choices=(one,)), names, fake(index), budget)
            for index, one in enumerate(choices)
        )
        common = replace(response, **_NO_CHOICES, choices=None)
        return replace(
            _fill_texts(common, names, fake(0), budget),
            choices=tuple(_single_choice(one) for one in filled),
        )
    except InputError as error:
        message = f"fixture {fixture.name!r} ({fixture.source}): {error.problems[0].message}"
        headers = (("x-should-retry", "false"),)
        raise ApiError("server_error", message, headers=headers).with_cause("response") from error


# The fields of a response that are those of its only choice.
_NO_CHOICES: dict[str, Any] = dict.fromkeys(("text", "chunks", "json", "tool_calls", "refusal", "reasoning"))


def _single_choice(response: ResponseSpec) -> ChoiceSpec:
    return response.all_choices[0]


def _fill_texts(
    response: ResponseSpec, variables: dict[str, Any], fake: _SeededFaker, budget: TemplateBudget
) -> ResponseSpec:
    known = {**variables, "fake": fake}
    return transform_texts(response, lambda text, _: fill_template(text, known, budget))
