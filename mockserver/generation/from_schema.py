"""Random values for a JSON Schema: candidates are generated, and the first valid one is used.

The candidates for a string or a number (`scalar_candidates`) come from the user's message, then from examples in the
schema, then from the name of the property, then from its type. All properties are generated, optional ones too, except
where that would not end: a recursive reference is not entered again if the schema allows another value (the optional
property is omitted, the array is empty, the union uses a branch that ends). Of a union, the first branch that is not
null is used. If no valid value is found, or the budget of the response is used up, the best candidate is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from mockserver.generation.consistency import make_consistent
from mockserver.generation.fake_values import singularize_name, split_name_suffixes
from mockserver.generation.generation_budget import (
    CHARACTERS_PER_STEP,
    GenerationBudget,
    GenerationBudgetError,
)
from mockserver.generation.json_schema import (
    FlatSchema,
    as_list,
    as_strings,
    flatten_schema,
    is_infinite_schema,
    merge_schemas,
)
from mockserver.generation.prompt_values import PromptValues
from mockserver.generation.scalar_candidates import (
    MAX_ATTEMPTS,
    MAX_EXAMPLES,
    STEPS_PER_VALUE,
    SamplingContext,
    integer_candidates,
    number_candidates,
    size_keyword,
    string_candidates,
)
from mockserver.generation.schema_validation import conforms_to_schema

if TYPE_CHECKING:
    from faker import Faker

MAX_VALUES = 2_000  # values in one document
MAX_DEPTH = 60  # levels
MAX_ITEMS = 200  # in one list or object


def generate_value(
    schema: object,
    faker: Faker,
    prompt: str = "",
    *,
    name: str = "",
    value_index: int = 0,
    budget: GenerationBudget | None = None,
) -> object:
    """Return a value that is valid against the schema, the same for the same schema, seed of Faker and prompt.

    `prompt` is the user's message, `name` the name of the value, and `value_index` selects one of several values that
    the message lists for a property. If no valid value is found, or the budget is used up, the best candidate is
    returned.
    """
    prompt_values = PromptValues(prompt, value_index)
    return _SchemaSampler(schema, faker, prompt_values, budget or GenerationBudget()).sample(schema, name, 0)


class _SchemaSampler:
    """The state while one document is generated: the references entered and the remaining number of values."""

    def __init__(
        self, root: object, faker: Faker, prompt_values: PromptValues, budget: GenerationBudget
    ) -> None:
        self.root, self.budget, self.random = root, budget, faker.random
        self.context = SamplingContext(faker, prompt_values, budget)
        self.entered_refs: frozenset[str] = frozenset({"#"})
        self.values_left = MAX_VALUES
        self.last_conforms = True  # whether the last generated value is valid

    def sample(self, schema: object, name: str, depth: int) -> object:
        """Return a value for a subschema, and set `last_conforms`."""
        self.values_left -= 1
        if self.values_left < 0 or depth > MAX_DEPTH or self.budget.is_exhausted:
            self.last_conforms = False
            return None
        outer_refs = self.entered_refs
        try:
            self.budget.spend(STEPS_PER_VALUE)
            flat, refs = flatten_schema(schema, self.root, self.budget)
            self.entered_refs = outer_refs | refs
            return self._first_valid(self._candidates(flat, name, depth), flat)
        except (GenerationBudgetError, RecursionError):  # too many steps, or nested too deeply
            self.last_conforms = False
            return None
        finally:
            self.entered_refs = outer_refs

    def _first_valid(self, candidates: Iterable[object], schema: FlatSchema) -> object:
        """Return the first valid candidate, or else the first one."""
        first: list[object] = []
        try:
            for candidate in candidates:
                first = first or [candidate]
                # Once the limit is reached, the document is incomplete and is not validated.
                self.last_conforms = self.values_left >= 0 and conforms_to_schema(
                    candidate, schema, self.root, self.budget
                )
                if self.last_conforms or self.values_left < 0:
                    return candidate
        except (GenerationBudgetError, RecursionError):
            pass
        self.last_conforms = False
        return first[0] if first else None

    def _candidates(self, schema: FlatSchema, name: str, depth: int) -> Iterator[object]:
        if "enum" in schema:
            yield from self._enum_candidates(as_list(schema["enum"]))
            return
        for branch in self._union_branches(schema):
            yield self.sample(branch, name, depth + 1)
        for kind in _candidate_types(schema):
            yield from TYPE_SAMPLERS[kind](self, schema, name, depth)

    def _enum_candidates(self, choices: list[object]) -> Iterator[object]:
        for choice in self._shuffled_choices(choices):
            self.budget.spend_value(choice)
            yield choice

    def _shuffled_choices(self, choices: list[object]) -> Iterator[object]:
        """Yield the choices that the message mentions, then the others in random order, then null."""
        yield from self.context.prompt_values.mentioned_choices(choices, self.budget)
        self.budget.spend(len(choices) // 16)
        not_null = [choice for choice in choices if choice is not None]
        count = min(len(not_null), MAX_EXAMPLES)
        self.budget.spend(count // 2)
        yield from self.random.sample(not_null, count)
        yield from choices[:MAX_EXAMPLES]

    def _union_branches(self, schema: FlatSchema) -> Iterator[FlatSchema]:
        """Yield each branch of a union or condition, merged with its siblings: finite ones first, then null."""
        for union in ("anyOf", "oneOf"):
            branches = as_list(schema.get(union))
            if branches:
                siblings = {key: value for key, value in schema.items() if key != union}
                for branch in sorted(branches, key=self._branch_rank):
                    part: FlatSchema = {"allOf": [branch]}
                    yield merge_schemas(siblings, part, self.budget) if siblings else part
                return
        if "if" in schema:
            siblings = {key: value for key, value in schema.items() if key not in ("if", "then", "else")}
            parts = [schema["if"], schema.get("then", True)]
            yield merge_schemas(siblings, {"allOf": parts}, self.budget)
            yield merge_schemas(siblings, {"allOf": [schema.get("else", True)]}, self.budget)

    def _branch_rank(self, branch: object) -> int:
        if is_infinite_schema(branch, self.root, self.budget, self.entered_refs):
            return 2
        return int(isinstance(branch, dict) and branch.get("type") == "null")

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
        outer_index = self.context.prompt_values.value_index
        for index, part in enumerate(parts):
            self.context.prompt_values.value_index = index
            items.append(add(items, part, singularize_name(name), depth + 1))
        self.context.prompt_values.value_index = outer_index
        yield items

    def _item_schemas(self, schema: FlatSchema, name: str) -> list[object]:
        """Return the schema of each item of a new array."""
        first, rest = as_list(schema.get("prefixItems")), schema.get("items", True)
        if isinstance(rest, list):  # a list in `items` means `prefixItems` up to draft 2019-09
            first, rest = rest, schema.get("additionalItems", True)
        min_items, max_items = (
            size_keyword(schema, "minItems", 0),
            size_keyword(schema, "maxItems", MAX_ITEMS),
        )
        usual = 0 if first or rest is True or self._should_omit(rest) else self.random.randint(1, 3)
        usual = usual and (self._mentioned_item_count(rest, name) or usual)
        min_contains = size_keyword(schema, "minContains", 1) if "contains" in schema else 0
        contained = [{"allOf": [rest, schema.get("contains")]}] * min(min_contains, MAX_ITEMS)
        count = min(max(min_items, len(first) + max(usual, len(contained))), max_items, MAX_ITEMS)
        return [*first, *contained, *[rest] * count][:count]

    def _mentioned_item_count(self, part: object, name: str) -> int:
        """Return the number of items that the message lists; 0 if it mentions none."""
        flat, _ = flatten_schema(part, self.root, self.budget)
        if flat.get("type") == "string":
            return (
                0 if "enum" in flat else len(self.context.prompt_values.values_for(name, flat.get("format")))
            )
        properties = flat.get("properties")
        names = list(properties) if isinstance(properties, dict) else []
        prefix = _name_prefix(name, flat)
        self.budget.spend(len(names))
        counts = [len(self.context.prompt_values.values_for(prefix + each, None)) for each in names]
        count = max(counts, default=0)
        return count if count > 1 else 0

    def _conforms(self, value: object, schema: object) -> bool:
        """Return whether a value is valid, or if that takes more steps than are left."""
        try:
            return conforms_to_schema(value, schema, self.root, self.budget)
        except GenerationBudgetError:
            return True

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
        outer_values, self.context.prompt_values = self.context.prompt_values, PromptValues("")
        for _ in range(MAX_ATTEMPTS):
            if self._conforms(item, different):
                break
            item = self.sample({"allOf": [part, different]}, name, depth)
        self.context.prompt_values = outer_values
        return item

    def mapping(self, schema: FlatSchema, object_name: str, depth: int) -> Iterator[object]:
        """Yield an object with consistent members, then the same as generated."""
        prefix = _name_prefix(object_name, schema)
        properties = schema.get("properties")
        properties = properties if isinstance(properties, dict) else {}
        required = dict.fromkeys(as_strings(schema.get("required")))
        self.budget.spend((len(required) + len(properties)) // 4)
        max_members = size_keyword(schema, "maxProperties", MAX_ITEMS)
        members: FlatSchema = {}
        for name in [*required, *(each for each in properties if each not in required)][:MAX_ITEMS]:
            part = properties[name] if name in properties else self._unnamed_member_schema(schema, name)
            if name not in required and (self._should_omit(part) or len(members) >= max_members):
                continue
            value = self.sample(part, prefix + name, depth + 1)
            self.budget.deduct(len(name) // CHARACTERS_PER_STEP)
            if name in required or self.last_conforms:
                members[name] = value
        self._add_unnamed_members(members, schema, depth)
        # In the order of the schema, as models write them.
        self.budget.deduct(len(members))
        order = {name: index for index, name in enumerate(properties)}
        members = dict(sorted(members.items(), key=lambda item: order.get(item[0], len(order))))
        yield make_consistent(members)
        yield members

    def _add_unnamed_members(self, members: FlatSchema, schema: FlatSchema, depth: int) -> None:
        """Add members that `properties` does not name: up to `minProperties`, or one for `additionalProperties`."""
        additional = schema.get("additionalProperties")
        wants_one = isinstance(additional, dict) and not members and not self._should_omit(additional)
        min_members = max(size_keyword(schema, "minProperties", 0), int(wants_one))
        patterns = schema.get("patternProperties")
        keys = [{"pattern": each} for each in patterns][:1] if isinstance(patterns, dict) else []
        if (
            len(members) >= min_members
            or size_keyword(schema, "maxProperties", 1) == 0
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
            if self._conforms(name, {"pattern": pattern})
        ]
        return {"allOf": matching} if matching else schema.get("additionalProperties", True)

    def _should_omit(self, part: object) -> bool:
        """Return whether to omit an optional part: it would be infinitely deep, or the document is nearly full."""
        return (
            part is False
            or self.values_left < MAX_VALUES // 4
            or is_infinite_schema(part, self.root, self.budget, self.entered_refs)
        )


def _name_prefix(name: str, schema: FlatSchema) -> str:
    """Return a prefix for the names of the members, so that the `name` of an ingredient is not a person's name."""
    title = schema.get("title")
    subject = name or (title if isinstance(title, str) else "")
    last_word = next(iter([*split_name_suffixes(subject)][-1:]), "")
    return f"{subject[-40:]}_" if subject and last_word not in PERSON_NAMES else ""


def _candidate_types(schema: FlatSchema) -> list[str]:
    """Return the types to try: those in `type`, null last, or else those that the other keywords imply."""
    known = [kind for kind in as_strings(schema.get("type")) if kind in TYPE_SAMPLERS]
    implied = [kind for keyword, kind in TYPE_BY_KEYWORD.items() if keyword in schema]
    order = known or [*dict.fromkeys([*implied, "string", "number", "boolean", "array", "object", "null"])]
    return sorted(order, key=lambda kind: kind == "null")


# Objects whose `name` is that of a person.
PERSON_NAMES = frozenset(
    ("user", "person", "author", "customer", "contact", "member", "employee", "student", "patient", "passenger",
     "participant", "attendee", "guest", "character", "actor", "director", "player", "candidate", "profile")
)  # fmt: skip
TYPE_SAMPLERS: dict[str, Callable[[_SchemaSampler, FlatSchema, str, int], Iterator[object]]] = {
    "string": lambda sampler, schema, name, _: string_candidates(schema, name, sampler.context),
    "integer": lambda sampler, schema, name, _: integer_candidates(schema, name, sampler.context),
    "number": lambda sampler, schema, name, _: number_candidates(schema, name, sampler.context),
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
