"""Random values for a JSON Schema: candidates are generated, and the first valid one is used.

The candidates for a string or a number come from the user's message, then from examples in the schema, then from the
name of the property, then from its type. All properties are generated, optional ones too, except where that would not
end: a recursive reference is not entered again if the schema allows another value (the optional property is omitted,
the array is empty, the union uses a branch that ends). Of a union, the first branch that is not null is used.
If no valid value is found, the best candidate is used. Time and size are bounded.
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
    """Return a value that is valid against the schema, the same for the same schema, seed of Faker and prompt.

    `prompt` is the user's message, `name` the name of the value, and `value_index` selects one of several values that
    the message lists for a property. If no valid value is found, the best candidate is returned.
    """
    try:
        return _SchemaSampler(schema, faker, PromptValues(prompt, value_index)).sample(schema, name, 0)
    except RecursionError:  # a schema that is nested too deeply
        return None


class _SchemaSampler:
    """The state while one document is generated: the references entered and the remaining number of values."""

    def __init__(self, root: object, faker: Faker, prompt_values: PromptValues) -> None:
        self.root, self.faker, self.prompt_values = root, faker, prompt_values
        self.random = faker.random
        self.entered_refs: frozenset[str] = frozenset({"#"})
        self.values_left = MAX_VALUES
        self.last_conforms = True  # whether the last generated value is valid

    def sample(self, schema: object, name: str, depth: int) -> object:
        """Return a value for a subschema, and set `last_conforms`."""
        self.values_left -= 1
        if self.values_left < 0 or depth > MAX_DEPTH:
            self.last_conforms = False
            return None
        flat, refs = flatten_schema(schema, self.root)
        outer_refs, self.entered_refs = self.entered_refs, self.entered_refs | refs
        try:
            return self._first_valid(self._candidates(flat, name, depth), flat)
        finally:
            self.entered_refs = outer_refs

    def _first_valid(self, candidates: Iterable[object], schema: FlatSchema) -> object:
        """Return the first valid candidate, or else the first one."""
        invalid: list[object] = []
        for candidate in candidates:
            # Once the limit is reached, the document is incomplete and is not validated.
            self.last_conforms = self.values_left >= 0 and conforms_to_schema(candidate, schema, self.root)
            if self.last_conforms or self.values_left < 0:
                return candidate
            invalid.append(candidate)
        self.last_conforms = False
        return invalid[0] if invalid else None

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
        not_null = [choice for choice in choices if choice is not None]
        yield from self.random.sample(not_null, len(not_null))
        yield from choices

    def _union_branches(self, schema: FlatSchema) -> Iterator[FlatSchema]:
        """Yield each branch of a union or condition, merged with its siblings: finite ones first, then null."""
        for union in ("anyOf", "oneOf"):
            branches = as_list(schema.get(union))
            if branches:
                siblings = {key: value for key, value in schema.items() if key != union}
                for branch in sorted(branches, key=self._branch_rank):
                    yield merge_schemas(siblings, {"allOf": [branch]}) if siblings else {"allOf": [branch]}
                return
        if "if" in schema:
            siblings = {key: value for key, value in schema.items() if key not in ("if", "then", "else")}
            yield merge_schemas(siblings, {"allOf": [schema["if"], schema.get("then", True)]})
            yield merge_schemas(siblings, {"allOf": [schema.get("else", True)]})

    def _branch_rank(self, branch: object) -> int:
        if is_infinite_schema(branch, self.root, self.entered_refs):
            return 2
        return int(isinstance(branch, dict) and branch.get("type") == "null")

    def string(self, schema: FlatSchema, name: str, _: int) -> Iterator[object]:
        """Yield candidates for a string."""
        min_length = _size_keyword(schema, "minLength", 0)
        max_length = _size_keyword(schema, "maxLength", MAX_TEXT_LENGTH)
        pattern, format_name = schema.get("pattern"), schema.get("format")
        mentioned = self.prompt_values.value_for(name, format_name)
        # Long texts are not validated against every pattern, so they are no candidates for one.
        if mentioned is not None and (
            not isinstance(pattern, str) or len(mentioned) <= MAX_EXPONENTIAL_LENGTH
        ):
            yield mentioned
        yield from (text for text in self._schema_examples(schema) if isinstance(text, str))
        if isinstance(pattern, str):
            matching = generate_matching_text(pattern, self.random, min_length, max_length)
            yield from () if matching is None else (matching,)
        for _ in range(MAX_ATTEMPTS):
            yield (
                generate_by_format(format_name, self.faker)
                or generate_by_name(name, self.faker)
                or generate_words(self.faker, min_length, max_length)
            )
        yield generate_words(self.faker, min_length, max_length)

    def integer(self, schema: FlatSchema, name: str, depth: int) -> Iterator[object]:
        """Yield candidates for an integer."""
        for number in self.number({**schema, "type": "integer"}, name, depth):
            yield int(number) if isinstance(number, float) and number.is_integer() else number

    def number(self, schema: FlatSchema, name: str, _: int) -> Iterator[object]:
        """Yield candidates for a number."""
        is_integer = schema.get("type") == "integer"
        mentioned = self.prompt_values.next_number()
        if mentioned is not None:
            yield int(mentioned) if mentioned.is_integer() else mentioned
        examples = self._schema_examples(schema)
        yield from (example for example in examples if as_finite_number(example) is not None)
        low, high, decimals = find_number_range(name) or (1, 100, 0 if is_integer else 2)
        if is_integer and (high - low) <= 1:
            low, high = 1, 100
        yield from self._numbers_in_range(
            schema, Fraction(low), Fraction(high), 0 if is_integer else decimals
        )

    def _numbers_in_range(
        self, schema: FlatSchema, low: Fraction, high: Fraction, decimals: int
    ) -> Iterator[object]:
        """Yield multiples of `multipleOf` within the bounds of the schema, those in the usual range first."""
        step = Fraction(str(as_finite_number(schema.get("multipleOf")) or 0)) or Fraction(1, 10**decimals)
        if schema.get("type") == "integer":
            step = Fraction(step.numerator)
        for start, end in _number_ranges(low, high, *_number_bounds(schema), step):
            first, last = math.ceil(start / step), math.floor(end / step)
            if first <= last:
                count = last - first + 1
                offset = self.random.randrange(count)
                yield from (
                    _to_number((first + (offset + index) % count) * step)
                    for index in range(min(count, MAX_ITEMS))
                )
            yield from (_to_number((start + end) / 2), _to_number(start), _to_number(end))

    def _schema_examples(self, schema: FlatSchema) -> Iterator[object]:
        """Yield the examples in a schema and its description, then its default unless that is empty."""
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
        """Yield both booleans, in random order."""
        first = self.random.random() < 0.5
        yield from (first, not first)

    def null(self, *_: object) -> Iterator[object]:
        """Yield null."""
        yield None

    def array(self, schema: FlatSchema, name: str, depth: int) -> Iterator[object]:
        """Yield one array."""
        parts = self._item_schemas(schema, singularize_name(name))
        items: list[object] = []
        add = self._distinct_item if schema.get("uniqueItems") is True else self._next_item
        outer_index = self.prompt_values.value_index
        for index, part in enumerate(parts):
            self.prompt_values.value_index = index
            items.append(add(items, part, singularize_name(name), depth + 1))
        self.prompt_values.value_index = outer_index
        yield items

    def _item_schemas(self, schema: FlatSchema, name: str) -> list[object]:
        """Return the schema of each item of a new array."""
        first, rest = as_list(schema.get("prefixItems")), schema.get("items", True)
        if isinstance(rest, list):  # a list in `items` means `prefixItems` up to draft 2019-09
            first, rest = rest, schema.get("additionalItems", True)
        min_items, max_items = (
            _size_keyword(schema, "minItems", 0),
            _size_keyword(schema, "maxItems", MAX_ITEMS),
        )
        usual = 0 if first or rest is True or self._should_omit(rest) else self.random.randint(1, 3)
        usual = usual and (self._mentioned_item_count(rest, name) or usual)
        min_contains = _size_keyword(schema, "minContains", 1) if "contains" in schema else 0
        contained = [{"allOf": [rest, schema.get("contains")]}] * min(min_contains, MAX_ITEMS)
        count = min(max(min_items, len(first) + max(usual, len(contained))), max_items, MAX_ITEMS)
        return [*first, *contained, *[rest] * count][:count]

    def _mentioned_item_count(self, part: object, name: str) -> int:
        """Return the number of items that the message lists; 0 if it mentions none."""
        flat, _ = flatten_schema(part, self.root)
        if flat.get("type") == "string":
            return 0 if "enum" in flat else len(self.prompt_values.values_for(name, flat.get("format")))
        properties = flat.get("properties")
        counts = [
            len(self.prompt_values.values_for(f"{_name_prefix(name, flat)}{each}", None))
            for each in (properties if isinstance(properties, dict) else ())
        ]
        count = max(counts, default=0)
        return count if count > 1 else 0

    def _next_item(self, items: list[object], part: object, name: str, depth: int) -> object:
        """Return another item; a string is tried twice to be different from the others."""
        item = self.sample(part, name, depth)
        if isinstance(item, str) and item in items:
            item = self.sample(part, name, depth)
        return item

    def _distinct_item(self, items: list[object], part: object, name: str, depth: int) -> object:
        """Return another item, different from the others if one is found."""
        item = self.sample(part, name, depth)
        different = {"not": {"enum": items}}
        # The values in the message have been used by now.
        outer_values, self.prompt_values = self.prompt_values, PromptValues("")
        for _ in range(MAX_ATTEMPTS):
            if conforms_to_schema(item, different, True):
                break
            item = self.sample({"allOf": [part, different]}, name, depth)
        self.prompt_values = outer_values
        return item

    def mapping(self, schema: FlatSchema, object_name: str, depth: int) -> Iterator[object]:
        """Yield an object with consistent members, then the same as generated."""
        prefix = _name_prefix(object_name, schema)
        properties = schema.get("properties")
        properties = properties if isinstance(properties, dict) else {}
        required = [name for name in as_list(schema.get("required")) if isinstance(name, str)]
        max_members = _size_keyword(schema, "maxProperties", MAX_ITEMS)
        members: FlatSchema = {}
        for name in [*required, *(each for each in properties if each not in required)][:MAX_ITEMS]:
            part = properties[name] if name in properties else self._unnamed_member_schema(schema, name)
            if name not in required and (self._should_omit(part) or len(members) >= max_members):
                continue
            value = self.sample(part, prefix + name, depth + 1)
            if name in required or self.last_conforms:
                members[name] = value
        self._add_unnamed_members(members, schema, depth)
        # In the order of the schema, as models write them.
        order = {name: index for index, name in enumerate(properties)}
        members = dict(sorted(members.items(), key=lambda item: order.get(item[0], len(order))))
        yield make_consistent(members)
        yield members

    def _add_unnamed_members(self, members: FlatSchema, schema: FlatSchema, depth: int) -> None:
        """Add members that `properties` does not name: up to `minProperties`, or one for `additionalProperties`."""
        additional = schema.get("additionalProperties")
        wants_one = isinstance(additional, dict) and not members and not self._should_omit(additional)
        min_members = max(_size_keyword(schema, "minProperties", 0), int(wants_one))
        patterns = schema.get("patternProperties")
        keys = [{"pattern": each} for each in patterns][:1] if isinstance(patterns, dict) else []
        if (
            len(members) >= min_members
            or _size_keyword(schema, "maxProperties", 1) == 0
            or (additional is False and not keys)
        ):
            return
        key = {
            "allOf": [
                {"type": "string"},
                schema.get("propertyNames", True),
                *(keys if additional is False else []),
            ]
        }
        for _ in range(min(min_members, MAX_ITEMS) + MAX_ATTEMPTS):
            name = self.sample(key, "key", depth + 1)
            if isinstance(name, str) and name not in members:
                members[name] = self.sample(self._unnamed_member_schema(schema, name), name, depth + 1)
            if len(members) >= min_members:
                return

    def _unnamed_member_schema(self, schema: FlatSchema, name: str) -> object:
        """Return the schema of a member that `properties` does not name."""
        patterns = schema.get("patternProperties")
        matching = [
            part
            for pattern, part in (patterns.items() if isinstance(patterns, dict) else ())
            if conforms_to_schema(name, {"pattern": pattern}, True)
        ]
        return {"allOf": matching} if matching else schema.get("additionalProperties", True)

    def _should_omit(self, part: object) -> bool:
        """Return whether to omit an optional part: it would be infinitely deep, or the document is nearly full."""
        return (
            part is False
            or self.values_left < MAX_VALUES // 4
            or is_infinite_schema(part, self.root, self.entered_refs)
        )


def _name_prefix(name: str, schema: FlatSchema) -> str:
    """Return a prefix for the names of the members, so that the `name` of an ingredient is not a person's name."""
    title = schema.get("title")
    subject = name or (title if isinstance(title, str) else "")
    last_word = next(iter([*split_name_suffixes(subject)][-1:]), "")
    return f"{subject[-40:]}_" if subject and last_word not in PERSON_NAMES else ""


def _candidate_types(schema: FlatSchema) -> list[str]:
    """Return the types to try: those in `type`, null last, or else those that the other keywords imply."""
    given = schema.get("type")
    kinds = [given] if isinstance(given, str) else [each for each in as_list(given) if isinstance(each, str)]
    known = [kind for kind in kinds if kind in TYPE_SAMPLERS]
    implied = [kind for keyword, kind in TYPE_BY_KEYWORD.items() if keyword in schema]
    order = known or [*dict.fromkeys([*implied, "string", "number", "boolean", "array", "object", "null"])]
    return sorted(order, key=lambda kind: kind == "null")


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
        lows.append(Fraction(math.floor(above) + 1 if is_integer else math.nextafter(above, math.inf)))
    if below is not None:
        highs.append(Fraction(math.ceil(below) - 1 if is_integer else math.nextafter(below, -math.inf)))
    return max(lows, default=None), min(highs, default=None)


def _number_ranges(
    low: Fraction, high: Fraction, minimum: Fraction | None, maximum: Fraction | None, step: Fraction
) -> Iterator[tuple[Fraction, Fraction]]:
    """Yield the allowed part of the usual range, then the whole allowed range, at most 10,000 steps if unbounded."""
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


# Objects whose `name` is that of a person.
PERSON_NAMES = frozenset(
    ("user", "person", "author", "customer", "contact", "member", "employee", "student", "patient", "passenger",
     "participant", "attendee", "guest", "character", "actor", "director", "player", "candidate", "profile")
)  # fmt: skip
# An example in a description: "The city and state, e.g. San Francisco, CA", as in OpenAI's function calling guide.
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

# The types that the keywords of a schema without `type` imply.
TYPE_BY_KEYWORD = {
    **dict.fromkeys(("properties", "required", "additionalProperties", "patternProperties"), "object"),
    **dict.fromkeys(("minProperties", "maxProperties", "propertyNames"), "object"),
    **dict.fromkeys(("items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains"), "array"),
    **dict.fromkeys(("pattern", "format", "minLength", "maxLength"), "string"),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"), "number"),
}
