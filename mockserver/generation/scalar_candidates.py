"""Candidates for the strings and numbers of generated documents."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from mockserver.generation.fake_values import (
    MAX_TEXT_LENGTH,
    find_number_range,
    generate_by_format,
    generate_by_name,
    generate_words,
)
from mockserver.generation.generation_budget import GenerationBudget
from mockserver.generation.json_schema import FlatSchema, as_finite_number, as_list
from mockserver.generation.prompt_values import PromptValues
from mockserver.generation.regex_text import MAX_EXPONENTIAL_LENGTH, generate_matching_text

if TYPE_CHECKING:
    from faker import Faker

MAX_FLOAT = Fraction(sys.float_info.max)
MAX_ATTEMPTS = 10  # for one value that must differ from others
MAX_EXAMPLES = 1_000  # of a schema, and choices of an enum, of which one is taken
MAX_USUAL_NUMBERS, MAX_NUMBERS = 20, 200  # candidates in the usual range, and in the allowed range
STEPS_PER_VALUE = 10  # a call of Faker takes about ten microseconds


@dataclass(slots=True)
class SamplingContext:
    """The sources of the values of one document, and the budget that they draw from."""

    faker: Faker
    prompt_values: PromptValues
    budget: GenerationBudget


def string_candidates(schema: FlatSchema, name: str, context: SamplingContext) -> Iterator[object]:
    """Yield candidates for a string."""
    min_length = size_keyword(schema, "minLength", 0)
    max_length = size_keyword(schema, "maxLength", MAX_TEXT_LENGTH)
    pattern, format_name = schema.get("pattern"), schema.get("format")
    mentioned = context.prompt_values.value_for(name, format_name)
    # Long texts are not validated against every pattern, so they are no candidates for one.
    if mentioned is not None and (not isinstance(pattern, str) or len(mentioned) <= MAX_EXPONENTIAL_LENGTH):
        context.budget.spend_value(mentioned)
        yield mentioned
    yield from (text for text in _schema_examples(schema, context) if isinstance(text, str))
    if isinstance(pattern, str):
        matching = generate_matching_text(
            pattern, context.faker.random, context.budget, min_length, max_length
        )
        yield from () if matching is None else (matching,)
    for _ in range(MAX_ATTEMPTS if min_length <= MAX_TEXT_LENGTH else 0):
        context.budget.spend(STEPS_PER_VALUE)
        yield (
            generate_by_format(format_name, context.faker)
            or generate_by_name(name, context.faker)
            or _words(min_length, max_length, context)
        )
    yield _words(min_length, max_length, context)


def _words(min_length: int, max_length: int, context: SamplingContext) -> str:
    context.budget.spend(min(min_length, MAX_TEXT_LENGTH) // 2)
    return generate_words(context.faker, min_length, max_length)


def integer_candidates(schema: FlatSchema, name: str, context: SamplingContext) -> Iterator[object]:
    """Yield candidates for an integer."""
    for number in number_candidates({**schema, "type": "integer"}, name, context):
        yield int(number) if isinstance(number, float) and number.is_integer() else number


def number_candidates(schema: FlatSchema, name: str, context: SamplingContext) -> Iterator[object]:
    """Yield candidates for a number."""
    is_integer = schema.get("type") == "integer"
    mentioned = context.prompt_values.next_number()
    if mentioned is not None:
        yield int(mentioned) if mentioned.is_integer() else mentioned
    examples = _schema_examples(schema, context)
    yield from (example for example in examples if as_finite_number(example) is not None)
    low, high, decimals = find_number_range(name) or (1, 100, 0 if is_integer else 2)
    if is_integer and (high - low) <= 1:
        low, high = 1, 100
    yield from _numbers_in_range(
        schema, Fraction(low), Fraction(high), 0 if is_integer else decimals, context
    )


def _numbers_in_range(
    schema: FlatSchema, low: Fraction, high: Fraction, decimals: int, context: SamplingContext
) -> Iterator[object]:
    """Yield multiples of `multipleOf` within the bounds of the schema, those in the usual range first."""
    step = Fraction(str(as_finite_number(schema.get("multipleOf")) or 0)) or Fraction(1, 10**decimals)
    is_integer = schema.get("type") == "integer"
    if is_integer:
        step = Fraction(step.numerator)
    for start, end, limit in _number_ranges(low, high, *_number_bounds(schema), step):
        first, last = math.ceil(start / step), math.floor(end / step)
        if first <= last:
            count = last - first + 1
            offset = context.faker.random.randrange(count)
            for index in range(min(count, limit)):
                context.budget.spend(2 if is_integer else STEPS_PER_VALUE)
                yield _to_number((first + (offset + index) % count) * step)
        yield from (_to_number((start + end) / 2), _to_number(start), _to_number(end))


def _schema_examples(schema: FlatSchema, context: SamplingContext) -> Iterator[object]:
    """Yield the examples in a schema and its description, then its default unless that is empty."""
    examples = as_list(schema.get("examples")) or [
        each for each in [schema.get("example")] if each is not None
    ]
    count = min(len(examples), MAX_EXAMPLES)
    context.budget.spend(count // 2)
    for example in context.faker.random.sample(examples, count):
        context.budget.spend_value(example)
        yield example
    description = schema.get("description")
    described = EXAMPLE_IN_DESCRIPTION.search(description[:10_000] if isinstance(description, str) else "")
    if described:
        yield next(group for group in described.groups() if group)
    if schema.get("default"):
        context.budget.spend_value(schema["default"])
        yield schema["default"]


def _number_bounds(schema: FlatSchema) -> tuple[Fraction | None, Fraction | None]:
    """Return the minimum and maximum; an exclusive bound is replaced by the next integer or float."""
    is_integer = schema.get("type") == "integer"
    low, high = as_finite_number(schema.get("minimum")), as_finite_number(schema.get("maximum"))
    above, below = (
        as_finite_number(schema.get("exclusiveMinimum")),
        as_finite_number(schema.get("exclusiveMaximum")),
    )
    lows = [Fraction(low)] if low is not None else []
    highs = [Fraction(high)] if high is not None else []
    if above is not None:
        lows.append(Fraction(math.floor(above) + 1 if is_integer else _next_float(above, math.inf)))
    if below is not None:
        highs.append(Fraction(math.ceil(below) - 1 if is_integer else _next_float(below, -math.inf)))
    return max(lows, default=None), min(highs, default=None)


def _next_float(number: float, direction: float) -> float:
    following = math.nextafter(number, direction)
    return following if math.isfinite(following) else number


def _number_ranges(
    low: Fraction, high: Fraction, minimum: Fraction | None, maximum: Fraction | None, step: Fraction
) -> Iterator[tuple[Fraction, Fraction, int]]:
    """Yield ranges, each with the number of candidates to try in it.

    These are the allowed part of the usual range, then the whole allowed range, at most 10,000 steps if unbounded.
    """
    usual = (max(low, low if minimum is None else minimum), min(high, high if maximum is None else maximum))
    if usual[0] <= usual[1]:
        yield *usual, MAX_USUAL_NUMBERS
    start = minimum if minimum is not None else (maximum or 0) - 10_000 * step
    yield start, start + 10_000 * step if maximum is None else maximum, MAX_NUMBERS


def size_keyword(schema: FlatSchema, keyword: str, default: int) -> int:
    """Return the value of a keyword for a size, rounded up, or the default if it is missing or malformed."""
    bound = as_finite_number(schema.get(keyword))
    return default if bound is None or bound < 0 else math.ceil(bound)


def _to_number(value: Fraction) -> float | int:
    if value.denominator == 1 and abs(value) < 2**63:
        return int(value)
    return float(max(min(value, MAX_FLOAT), -MAX_FLOAT))


# An example in a description: "The city and state, e.g. San Francisco, CA", as in OpenAI's function calling guide.
EXAMPLE_IN_DESCRIPTION = re.compile(
    r"\be\.g\.,? ?(?:'([^']{1,80})'|\"([^\"]{1,80})\"|([^\s;)][^;)\n]{0,80}?)(?=[;)\n]|\.?$| or ))"
)
