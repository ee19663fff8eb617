"""A specimen validates against its schema: values are proposed, and the first that conforms is taken.

A text or a number is proposed by what the user's message offers (`hint`), then by the property's name, then
by its type. All properties are given, optional ones too, but for what would not end: a reference that is already
entered is not entered again where the schema leaves another way (an optional property is left out, a list
empty, a union takes its branch that ends). Of a union the first branch that is not null is taken.
A schema that nothing meets, or that is not understood, gets the best that was found; nothing raises, and time
and size are bounded.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from mockserver.generation.consistency import make_consistent
from mockserver.generation.fake_values import (
    MAX_TEXT_LENGTH,
    find_number_range,
    generate_by_format,
    generate_by_name,
    generate_words,
    singularize_name,
    split_name_suffixes,
)
from mockserver.generation.json_schema import (
    FlatSchema,
    as_finite_number,
    as_list,
    flatten_schema,
    is_infinite_schema,
    merge_schemas,
)
from mockserver.generation.prompt_values import PromptValues
from mockserver.generation.regex_text import MAX_EXPONENTIAL_LENGTH, generate_matching_text
from mockserver.generation.schema_validation import conforms_to_schema

if TYPE_CHECKING:
    from faker import Faker

MAX_VALUES = 2_000  # values in one document
MAX_DEPTH = 60  # levels
MAX_ITEMS = 200  # in one list or object
MAX_FLOAT = Fraction(sys.float_info.max)
MAX_ATTEMPTS = 10  # for one value that must differ from others


def generate_value(
    schema: object, faker: Faker, prompt: str = "", *, name: str = "", value_index: int = 0
) -> object:
    """A JSON value that validates against the schema; the same for the same schema, Faker's seed and hint.

    `name` is what the whole is called; `take` is the turn among values that the hint lists.
    """
    try:
        return _SchemaSampler(schema, faker, PromptValues(prompt, value_index)).sample(schema, name, 0)
    except RecursionError:  # a schema nested as no person writes it
        return None


class _SchemaSampler:
    """One document in the making: what is entered, and how much may still be made."""

    def __init__(self, root: object, faker: Faker, prompt_values: PromptValues) -> None:
        self.root, self.faker, self.prompt_values = root, faker, prompt_values
        self.random = faker.random
        self.entered_refs: frozenset[str] = frozenset({"#"})
        self.values_left = MAX_VALUES
        self.last_conforms = True  # whether what was made last conforms

    def sample(self, schema: object, name: str, depth: int) -> object:
        self.values_left -= 1
        if self.values_left < 0 or depth > MAX_DEPTH:
            self.last_conforms = False
            return None
        form, refs = flatten_schema(schema, self.root)
        outside, self.entered_refs = self.entered_refs, self.entered_refs | refs
        try:
            return self._first_valid(self._candidates(form, name, depth), form)
        finally:
            self.entered_refs = outside

    def _first_valid(self, candidates: Iterable[object], schema: FlatSchema) -> object:
        """The first proposal that conforms, else the first of all."""
        best: list[object] = []
        for proposal in candidates:
            # When there is no more room the document is cut off, and nothing is left to judge.
            self.last_conforms = self.values_left >= 0 and conforms_to_schema(proposal, schema, self.root)
            if self.last_conforms or self.values_left < 0:
                return proposal
            best.append(proposal)
        self.last_conforms = False
        return best[0] if best else None

    def _candidates(self, schema: FlatSchema, name: str, depth: int) -> Iterator[object]:
        if "enum" in schema:
            yield from self._enum_candidates(as_list(schema["enum"]))
            return
        for branch in self._union_branches(schema):
            yield self.sample(branch, name, depth + 1)
        for kind in _candidate_types(schema):
            yield from TYPE_SAMPLERS[kind](self, schema, name, depth)

    def _enum_candidates(self, choices: list[object]) -> Iterator[object]:
        yield from self.prompt_values.mentioned_choices(choices)
        given = [choice for choice in choices if choice is not None]
        yield from self.random.sample(given, len(given))
        yield from choices

    def _union_branches(self, schema: FlatSchema) -> Iterator[FlatSchema]:
        """Each way to meet a union or a condition, with what stands beside it: what ends, then null."""
        for union in ("anyOf", "oneOf"):
            branches = as_list(schema.get(union))
            if branches:
                beside = {key: value for key, value in schema.items() if key != union}
                for branch in sorted(branches, key=self._branch_rank):
                    yield merge_schemas(beside, {"allOf": [branch]}) if beside else {"allOf": [branch]}
                return
        if "if" in schema:
            beside = {key: value for key, value in schema.items() if key not in ("if", "then", "else")}
            yield merge_schemas(beside, {"allOf": [schema["if"], schema.get("then", True)]})
            yield merge_schemas(beside, {"allOf": [schema.get("else", True)]})

    def _branch_rank(self, branch: object) -> int:
        if is_infinite_schema(branch, self.root, self.entered_refs):
            return 2
        return int(isinstance(branch, dict) and branch.get("type") == "null")

    def string(self, schema: FlatSchema, name: str, _: int) -> Iterator[object]:
        least, most = (
            _size_keyword(schema, "minLength", 0),
            _size_keyword(schema, "maxLength", MAX_TEXT_LENGTH),
        )
        pattern, kind = schema.get("pattern"), schema.get("format")
        offered = self.prompt_values.value_for(name, kind)
        # What is long is not held against every pattern, so it is not proposed for one.
        if offered is not None and (not isinstance(pattern, str) or len(offered) <= MAX_EXPONENTIAL_LENGTH):
            yield offered
        yield from (text for text in self._schema_examples(schema) if isinstance(text, str))
        if isinstance(pattern, str):
            made = generate_matching_text(pattern, self.random, least, most)
            yield from () if made is None else (made,)
        for _ in range(MAX_ATTEMPTS):
            yield (
                generate_by_format(kind, self.faker)
                or generate_by_name(name, self.faker)
                or generate_words(self.faker, least, most)
            )
        yield generate_words(self.faker, least, most)

    def integer(self, schema: FlatSchema, name: str, depth: int) -> Iterator[object]:
        for proposal in self.number({**schema, "type": "integer"}, name, depth):
            yield int(proposal) if isinstance(proposal, float) and proposal.is_integer() else proposal

    def number(self, schema: FlatSchema, name: str, _: int) -> Iterator[object]:
        whole = schema.get("type") == "integer"
        offered = self.prompt_values.next_number()
        if offered is not None:
            yield int(offered) if offered.is_integer() else offered
        yield from (shown for shown in self._schema_examples(schema) if as_finite_number(shown) is not None)
        low, high, decimals = find_number_range(name) or (1, 100, 0 if whole else 2)
        if whole and (high - low) <= 1:
            low, high = 1, 100
        yield from self._numbers_in_range(schema, Fraction(low), Fraction(high), 0 if whole else decimals)

    def _numbers_in_range(
        self, schema: FlatSchema, low: Fraction, high: Fraction, decimals: int
    ) -> Iterator[object]:
        """Numbers on the schema's own grid between its bounds, and in the usual range where it allows."""
        step = Fraction(str(as_finite_number(schema.get("multipleOf")) or 0)) or Fraction(1, 10**decimals)
        if schema.get("type") == "integer":
            step = Fraction(step.numerator)
        for start, end in _number_ranges(low, high, *_number_bounds(schema), step):
            first, last = math.ceil(start / step), math.floor(end / step)
            if first <= last:
                count = last - first + 1
                some = self.random.randrange(count)
                yield from (
                    _to_number((first + (some + at) % count) * step) for at in range(min(count, MAX_ITEMS))
                )
            yield from (_to_number((start + end) / 2), _to_number(start), _to_number(end))

    def _schema_examples(self, schema: FlatSchema) -> Iterator[object]:
        """What the schema itself gives for an example, and its default, where that says something."""
        examples = as_list(schema.get("examples")) or [
            each for each in [schema.get("example")] if each is not None
        ]
        yield from self.random.sample(examples, len(examples))
        described = EXAMPLE_IN_DESCRIPTION.search(str(schema.get("description", "")))
        if described:
            yield next(group for group in described.groups() if group)
        if schema.get("default"):
            yield schema["default"]

    def boolean(self, *_: object) -> Iterator[object]:
        said = self.random.random() < 0.5
        yield from (said, not said)

    def null(self, *_: object) -> Iterator[object]:
        yield None

    def array(self, schema: FlatSchema, name: str, depth: int) -> Iterator[object]:
        first, rest = as_list(schema.get("prefixItems")), schema.get("items", True)
        if isinstance(rest, list):  # until 2019 a list here was what prefixItems is now
            first, rest = rest, schema.get("additionalItems", True)
        least, most = _size_keyword(schema, "minItems", 0), _size_keyword(schema, "maxItems", MAX_ITEMS)
        shown = 0 if first or rest is True or self._should_omit(rest) else self.random.randint(1, 3)
        shown = shown and (self._mentioned_item_count(rest, singularize_name(name)) or shown)
        some = _size_keyword(schema, "minContains", 1) if "contains" in schema else 0
        contained = [{"allOf": [rest, schema.get("contains")]}] * min(some, MAX_ITEMS)
        count = min(max(least, len(first) + max(shown, len(contained))), most, MAX_ITEMS)
        made: list[object] = []
        add = self._distinct_item if schema.get("uniqueItems") is True else self._next_item
        outside = self.prompt_values.value_index
        for at, part in enumerate([*first, *contained, *[rest] * count][:count]):
            self.prompt_values.value_index = at
            made.append(add(made, part, singularize_name(name), depth + 1))
        self.prompt_values.value_index = outside
        yield made

    def _mentioned_item_count(self, part: object, name: str) -> int:
        """How many items the message lists; 0 where it says nothing of them."""
        form, _ = flatten_schema(part, self.root)
        if form.get("type") == "string":
            return 0 if "enum" in form else len(self.prompt_values.values_for(name, form.get("format")))
        named = form.get("properties")
        several = [
            len(self.prompt_values.values_for(f"{_name_prefix(name, form)}{each}", None))
            for each in (named if isinstance(named, dict) else ())
        ]
        most = max(several, default=0)
        return most if most > 1 else 0

    def _next_item(self, items: list[object], part: object, name: str, depth: int) -> object:
        """One more item, another one where that is easy."""
        item = self.sample(part, name, depth)
        if isinstance(item, str) and item in items:
            item = self.sample(part, name, depth)
        return item

    def _distinct_item(self, items: list[object], part: object, name: str, depth: int) -> object:
        """One more item that differs from those that are made."""
        item = self.sample(part, name, depth)
        unlike = {"not": {"enum": items}}
        hint, self.prompt_values = (
            self.prompt_values,
            PromptValues(""),
        )  # what the message offers has been taken
        for _ in range(MAX_ATTEMPTS):
            if conforms_to_schema(item, unlike, True):
                break
            item = self.sample({"allOf": [part, unlike]}, name, depth)
        self.prompt_values = hint
        return item

    def mapping(self, schema: FlatSchema, object_name: str, depth: int) -> Iterator[object]:
        whose = _name_prefix(object_name, schema)
        named = schema.get("properties")
        named = named if isinstance(named, dict) else {}
        required = [name for name in as_list(schema.get("required")) if isinstance(name, str)]
        most = _size_keyword(schema, "maxProperties", MAX_ITEMS)
        made: FlatSchema = {}
        for name in [*required, *(each for each in named if each not in required)][:MAX_ITEMS]:
            part = named[name] if name in named else self._unnamed_member_schema(schema, name)
            if name not in required and (self._should_omit(part) or len(made) >= most):
                continue
            value = self.sample(part, whose + name, depth + 1)
            if name in required or self.last_conforms:
                made[name] = value
        self._add_unnamed_members(made, schema, depth)
        # As the schema has them, which is how a model writes them.
        order = {name: at for at, name in enumerate(named)}
        made = dict(sorted(made.items(), key=lambda item: order.get(item[0], len(order))))
        yield make_consistent(made)
        yield made

    def _add_unnamed_members(self, members: FlatSchema, schema: FlatSchema, depth: int) -> None:
        """Members that the schema does not name: as many as it wants, or one to show how they look."""
        free = schema.get("additionalProperties")
        shown = isinstance(free, dict) and not members and not self._should_omit(free)
        least = max(_size_keyword(schema, "minProperties", 0), int(shown))
        patterns = schema.get("patternProperties")
        keys = [{"pattern": each} for each in patterns][:1] if isinstance(patterns, dict) else []
        if (
            len(members) >= least
            or _size_keyword(schema, "maxProperties", 1) == 0
            or (free is False and not keys)
        ):
            return
        key = {
            "allOf": [{"type": "string"}, schema.get("propertyNames", True), *(keys if free is False else [])]
        }
        for _ in range(min(least, MAX_ITEMS) + MAX_ATTEMPTS):
            name = self.sample(key, "key", depth + 1)
            if isinstance(name, str) and name not in members:
                members[name] = self.sample(self._unnamed_member_schema(schema, name), name, depth + 1)
            if len(members) >= least:
                return

    def _unnamed_member_schema(self, schema: FlatSchema, name: str) -> object:
        """The schema of a member that `properties` does not name."""
        patterns = schema.get("patternProperties")
        found = [
            part
            for pattern, part in (patterns.items() if isinstance(patterns, dict) else ())
            if conforms_to_schema(name, {"pattern": pattern}, True)
        ]
        return {"allOf": found} if found else schema.get("additionalProperties", True)

    def _should_omit(self, part: object) -> bool:
        """Whether this part is better left out: it would not end, or there is no room."""
        return (
            part is False
            or self.values_left < MAX_VALUES // 4
            or is_infinite_schema(part, self.root, self.entered_refs)
        )


def _name_prefix(name: str, schema: FlatSchema) -> str:
    """What stands before the names of an object's members, so that an ingredient's `name` is not a person's."""
    title = schema.get("title")
    whose = name or (title if isinstance(title, str) else "")
    last = next(iter([*split_name_suffixes(whose)][-1:]), "")
    return f"{whose[-40:]}_" if whose and last not in PERSON_NAMES else ""


def _candidate_types(schema: FlatSchema) -> list[str]:
    """The types to try: those that the schema names, null last, else those that its keywords are about."""
    named = schema.get("type")
    kinds = [named] if isinstance(named, str) else [each for each in as_list(named) if isinstance(each, str)]
    known = [kind for kind in kinds if kind in TYPE_SAMPLERS]
    about = [kind for word, kind in TYPE_BY_KEYWORD.items() if word in schema]
    order = known or [*dict.fromkeys([*about, "string", "number", "boolean", "array", "object", "null"])]
    return sorted(order, key=lambda kind: kind == "null")


def _number_bounds(schema: FlatSchema) -> tuple[Fraction | None, Fraction | None]:
    """The least and the greatest number allowed; an exclusive one is moved to its next neighbour."""
    whole = schema.get("type") == "integer"
    low, high = as_finite_number(schema.get("minimum")), as_finite_number(schema.get("maximum"))
    above, below = (
        as_finite_number(schema.get("exclusiveMinimum")),
        as_finite_number(schema.get("exclusiveMaximum")),
    )
    lows = [Fraction(low)] if low is not None else []
    highs = [Fraction(high)] if high is not None else []
    if above is not None:
        lows.append(Fraction(math.floor(above) + 1 if whole else math.nextafter(above, math.inf)))
    if below is not None:
        highs.append(Fraction(math.ceil(below) - 1 if whole else math.nextafter(below, -math.inf)))
    return max(lows, default=None), min(highs, default=None)


def _number_ranges(
    low: Fraction, high: Fraction, minimum: Fraction | None, maximum: Fraction | None, step: Fraction
) -> Iterator[tuple[Fraction, Fraction]]:
    """The part of the usual range that is allowed, then all that is allowed, or ten thousand steps of it."""
    usual = (max(low, low if minimum is None else minimum), min(high, high if maximum is None else maximum))
    if usual[0] <= usual[1]:
        yield usual
    start = minimum if minimum is not None else (maximum or 0) - 10_000 * step
    yield start, start + 10_000 * step if maximum is None else maximum


def _size_keyword(schema: FlatSchema, keyword: str, default: int) -> int:
    bound = as_finite_number(schema.get(keyword))
    return default if bound is None or bound < 0 else math.ceil(bound)


def _to_number(value: Fraction) -> float | int:
    if value.denominator == 1 and abs(value) < 2**63:
        return int(value)
    return float(max(min(value, MAX_FLOAT), -MAX_FLOAT))


# Whose `name` is a person's.
PERSON_NAMES = frozenset(
    ("user", "person", "author", "customer", "contact", "member", "employee", "student", "patient", "passenger",
     "participant", "attendee", "guest", "character", "actor", "director", "player", "candidate", "profile")
)  # fmt: skip
# "The city and state, e.g. San Francisco, CA", as the guides of function calling have it.
EXAMPLE_IN_DESCRIPTION = re.compile(
    r"\be\.g\.,? ?(?:'([^']{1,80})'|\"([^\"]{1,80})\"|([^\s;)][^;)\n]{0,80}?)(?=[;)\n]|\.?$| or ))"
)

TYPE_SAMPLERS: dict[str, Callable[[_SchemaSampler, FlatSchema, str, int], Iterator[object]]] = {
    "string": _SchemaSampler.string,
    "integer": _SchemaSampler.integer,
    "number": _SchemaSampler.number,
    "boolean": _SchemaSampler.boolean,
    "null": _SchemaSampler.null,
    "array": _SchemaSampler.array,
    "object": _SchemaSampler.mapping,
}

# What a schema without a type speaks of.
TYPE_BY_KEYWORD = {
    **dict.fromkeys(("properties", "required", "additionalProperties", "patternProperties"), "object"),
    **dict.fromkeys(("minProperties", "maxProperties", "propertyNames"), "object"),
    **dict.fromkeys(("items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains"), "array"),
    **dict.fromkeys(("pattern", "format", "minLength", "maxLength"), "string"),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"), "number"),
}
