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

from mockserver.invention.agreement import agreed
from mockserver.invention.conformity import conforms
from mockserver.invention.hint import Hint
from mockserver.invention.likeness import LONGEST, by_format, by_name, endings, measure, singular, words
from mockserver.invention.pattern import TRUSTED, matching
from mockserver.invention.schema import Flat, endless, flat, listed, merge, number

if TYPE_CHECKING:
    from faker import Faker

NODES = 2_000  # values in one document
DEPTH = 60  # levels
ITEMS = 200  # in one list or object
HUGE = Fraction(sys.float_info.max)
TRIES = 10  # for one value that must differ from others


def specimen(schema: object, faker: Faker, hint: str = "", *, name: str = "", take: int = 0) -> object:
    """A JSON value that validates against the schema; the same for the same schema, Faker's seed and hint.

    `name` is what the whole is called; `take` is the turn among values that the hint lists.
    """
    try:
        return _Maker(schema, faker, Hint(hint, take)).make(schema, name, 0)
    except RecursionError:  # a schema nested as no person writes it
        return None


class _Maker:
    """One document in the making: what is entered, and how much may still be made."""

    def __init__(self, root: object, faker: Faker, hint: Hint) -> None:
        self.root, self.faker, self.hint = root, faker, hint
        self.random = faker.random
        self.entered: frozenset[str] = frozenset({"#"})
        self.left = NODES
        self.met = True  # whether what was made last conforms

    def make(self, schema: object, name: str, depth: int) -> object:
        self.left -= 1
        if self.left < 0 or depth > DEPTH:
            self.met = False
            return None
        form, refs = flat(schema, self.root)
        outside, self.entered = self.entered, self.entered | refs
        try:
            return self._first(self._proposals(form, name, depth), form)
        finally:
            self.entered = outside

    def _first(self, proposals: Iterable[object], form: Flat) -> object:
        """The first proposal that conforms, else the first of all."""
        best: list[object] = []
        for proposal in proposals:
            # When there is no more room the document is cut off, and nothing is left to judge.
            self.met = self.left >= 0 and conforms(proposal, form, self.root)
            if self.met or self.left < 0:
                return proposal
            best.append(proposal)
        self.met = False
        return best[0] if best else None

    def _proposals(self, form: Flat, name: str, depth: int) -> Iterator[object]:
        if "enum" in form:
            yield from self._choices(listed(form["enum"]))
            return
        for branch in self._branches(form):
            yield self.make(branch, name, depth + 1)
        for kind in _kinds(form):
            yield from MAKERS[kind](self, form, name, depth)

    def _choices(self, choices: list[object]) -> Iterator[object]:
        yield from self.hint.named(choices)
        given = [choice for choice in choices if choice is not None]
        yield from self.random.sample(given, len(given))
        yield from choices

    def _branches(self, form: Flat) -> Iterator[Flat]:
        """Each way to meet a union or a condition, with what stands beside it: what ends, then null."""
        for union in ("anyOf", "oneOf"):
            branches = listed(form.get(union))
            if branches:
                beside = {key: value for key, value in form.items() if key != union}
                for branch in sorted(branches, key=self._rank):
                    yield merge(beside, {"allOf": [branch]}) if beside else {"allOf": [branch]}
                return
        if "if" in form:
            beside = {key: value for key, value in form.items() if key not in ("if", "then", "else")}
            yield merge(beside, {"allOf": [form["if"], form.get("then", True)]})
            yield merge(beside, {"allOf": [form.get("else", True)]})

    def _rank(self, branch: object) -> int:
        if endless(branch, self.root, self.entered):
            return 2
        return int(isinstance(branch, dict) and branch.get("type") == "null")

    def string(self, form: Flat, name: str, _: int) -> Iterator[object]:
        least, most = _size(form, "minLength", 0), _size(form, "maxLength", LONGEST)
        pattern, kind = form.get("pattern"), form.get("format")
        offered = self.hint.string(name, kind)
        # What is long is not held against every pattern, so it is not proposed for one.
        if offered is not None and (not isinstance(pattern, str) or len(offered) <= TRUSTED):
            yield offered
        yield from (text for text in self._shown(form) if isinstance(text, str))
        if isinstance(pattern, str):
            made = matching(pattern, self.random, least, most)
            yield from () if made is None else (made,)
        for _ in range(TRIES):
            yield by_format(kind, self.faker) or by_name(name, self.faker) or words(self.faker, least, most)
        yield words(self.faker, least, most)

    def integer(self, form: Flat, name: str, depth: int) -> Iterator[object]:
        for proposal in self.number({**form, "type": "integer"}, name, depth):
            yield int(proposal) if isinstance(proposal, float) and proposal.is_integer() else proposal

    def number(self, form: Flat, name: str, _: int) -> Iterator[object]:
        whole = form.get("type") == "integer"
        offered = self.hint.number()
        if offered is not None:
            yield int(offered) if offered.is_integer() else offered
        yield from (shown for shown in self._shown(form) if number(shown) is not None)
        low, high, decimals = measure(name) or (1, 100, 0 if whole else 2)
        if whole and (high - low) <= 1:
            low, high = 1, 100
        yield from self._within(form, Fraction(low), Fraction(high), 0 if whole else decimals)

    def _within(self, form: Flat, low: Fraction, high: Fraction, decimals: int) -> Iterator[object]:
        """Numbers on the schema's own grid between its bounds, and in the usual range where it allows."""
        step = Fraction(str(number(form.get("multipleOf")) or 0)) or Fraction(1, 10**decimals)
        if form.get("type") == "integer":
            step = Fraction(step.numerator)
        for start, end in _ranges(low, high, *_bounds(form), step):
            first, last = math.ceil(start / step), math.floor(end / step)
            if first <= last:
                count = last - first + 1
                some = self.random.randrange(count)
                yield from (_plain((first + (some + at) % count) * step) for at in range(min(count, ITEMS)))
            yield from (_plain((start + end) / 2), _plain(start), _plain(end))

    def _shown(self, form: Flat) -> Iterator[object]:
        """What the schema itself gives for an example, and its default, where that says something."""
        examples = listed(form.get("examples")) or [
            each for each in [form.get("example")] if each is not None
        ]
        yield from self.random.sample(examples, len(examples))
        described = EXAMPLE.search(str(form.get("description", "")))
        if described:
            yield next(group for group in described.groups() if group)
        if form.get("default"):
            yield form["default"]

    def boolean(self, *_: object) -> Iterator[object]:
        said = self.random.random() < 0.5
        yield from (said, not said)

    def null(self, *_: object) -> Iterator[object]:
        yield None

    def array(self, form: Flat, name: str, depth: int) -> Iterator[object]:
        first, rest = listed(form.get("prefixItems")), form.get("items", True)
        if isinstance(rest, list):  # until 2019 a list here was what prefixItems is now
            first, rest = rest, form.get("additionalItems", True)
        least, most = _size(form, "minItems", 0), _size(form, "maxItems", ITEMS)
        shown = 0 if first or rest is True or self._stops(rest) else self.random.randint(1, 3)
        shown = shown and (self._offered(rest, singular(name)) or shown)
        some = _size(form, "minContains", 1) if "contains" in form else 0
        contained = [{"allOf": [rest, form.get("contains")]}] * min(some, ITEMS)
        count = min(max(least, len(first) + max(shown, len(contained))), most, ITEMS)
        made: list[object] = []
        add = self._unlike if form.get("uniqueItems") is True else self._item
        outside = self.hint.take
        for at, part in enumerate([*first, *contained, *[rest] * count][:count]):
            self.hint.take = at
            made.append(add(made, part, singular(name), depth + 1))
        self.hint.take = outside
        yield made

    def _offered(self, part: object, name: str) -> int:
        """How many items the message lists; 0 where it says nothing of them."""
        form, _ = flat(part, self.root)
        if form.get("type") == "string":
            return 0 if "enum" in form else len(self.hint.all(name, form.get("format")))
        named = form.get("properties")
        several = [
            len(self.hint.all(f"{_whose(name, form)}{each}", None))
            for each in (named if isinstance(named, dict) else ())
        ]
        most = max(several, default=0)
        return most if most > 1 else 0

    def _item(self, made: list[object], part: object, name: str, depth: int) -> object:
        """One more item, another one where that is easy."""
        item = self.make(part, name, depth)
        if isinstance(item, str) and item in made:
            item = self.make(part, name, depth)
        return item

    def _unlike(self, made: list[object], part: object, name: str, depth: int) -> object:
        """One more item that differs from those that are made."""
        item = self.make(part, name, depth)
        unlike = {"not": {"enum": made}}
        hint, self.hint = self.hint, Hint("")  # what the message offers has been taken
        for _ in range(TRIES):
            if conforms(item, unlike, True):
                break
            item = self.make({"allOf": [part, unlike]}, name, depth)
        self.hint = hint
        return item

    def mapping(self, form: Flat, own: str, depth: int) -> Iterator[object]:
        whose = _whose(own, form)
        named = form.get("properties")
        named = named if isinstance(named, dict) else {}
        required = [name for name in listed(form.get("required")) if isinstance(name, str)]
        most = _size(form, "maxProperties", ITEMS)
        made: Flat = {}
        for name in [*required, *(each for each in named if each not in required)][:ITEMS]:
            part = named[name] if name in named else self._other(form, name)
            if name not in required and (self._stops(part) or len(made) >= most):
                continue
            value = self.make(part, whose + name, depth + 1)
            if name in required or self.met:
                made[name] = value
        self._fill(made, form, depth)
        # As the schema has them, which is how a model writes them.
        order = {name: at for at, name in enumerate(named)}
        made = dict(sorted(made.items(), key=lambda item: order.get(item[0], len(order))))
        yield agreed(made)
        yield made

    def _fill(self, made: Flat, form: Flat, depth: int) -> None:
        """Members that the schema does not name: as many as it wants, or one to show how they look."""
        free = form.get("additionalProperties")
        shown = isinstance(free, dict) and not made and not self._stops(free)
        least = max(_size(form, "minProperties", 0), int(shown))
        patterns = form.get("patternProperties")
        keys = [{"pattern": each} for each in patterns][:1] if isinstance(patterns, dict) else []
        if len(made) >= least or _size(form, "maxProperties", 1) == 0 or (free is False and not keys):
            return
        key = {
            "allOf": [{"type": "string"}, form.get("propertyNames", True), *(keys if free is False else [])]
        }
        for _ in range(min(least, ITEMS) + TRIES):
            name = self.make(key, "key", depth + 1)
            if isinstance(name, str) and name not in made:
                made[name] = self.make(self._other(form, name), name, depth + 1)
            if len(made) >= least:
                return

    def _other(self, form: Flat, name: str) -> object:
        """The schema of a member that `properties` does not name."""
        patterns = form.get("patternProperties")
        found = [
            part
            for pattern, part in (patterns.items() if isinstance(patterns, dict) else ())
            if conforms(name, {"pattern": pattern}, True)
        ]
        return {"allOf": found} if found else form.get("additionalProperties", True)

    def _stops(self, part: object) -> bool:
        """Whether this part is better left out: it would not end, or there is no room."""
        return part is False or self.left < NODES // 4 or endless(part, self.root, self.entered)


def _whose(name: str, form: Flat) -> str:
    """What stands before the names of an object's members, so that an ingredient's `name` is not a person's."""
    title = form.get("title")
    whose = name or (title if isinstance(title, str) else "")
    last = next(iter([*endings(whose)][-1:]), "")
    return f"{whose[-40:]}_" if whose and last not in PERSONS else ""


def _kinds(form: Flat) -> list[str]:
    """The types to try: those that the schema names, null last, else those that its keywords are about."""
    named = form.get("type")
    kinds = [named] if isinstance(named, str) else [each for each in listed(named) if isinstance(each, str)]
    known = [kind for kind in kinds if kind in MAKERS]
    about = [kind for word, kind in ABOUT.items() if word in form]
    order = known or [*dict.fromkeys([*about, "string", "number", "boolean", "array", "object", "null"])]
    return sorted(order, key=lambda kind: kind == "null")


def _bounds(form: Flat) -> tuple[Fraction | None, Fraction | None]:
    """The least and the greatest number allowed; an exclusive one is moved to its next neighbour."""
    whole = form.get("type") == "integer"
    low, high = number(form.get("minimum")), number(form.get("maximum"))
    above, below = number(form.get("exclusiveMinimum")), number(form.get("exclusiveMaximum"))
    lows = [Fraction(low)] if low is not None else []
    highs = [Fraction(high)] if high is not None else []
    if above is not None:
        lows.append(Fraction(math.floor(above) + 1 if whole else math.nextafter(above, math.inf)))
    if below is not None:
        highs.append(Fraction(math.ceil(below) - 1 if whole else math.nextafter(below, -math.inf)))
    return max(lows, default=None), min(highs, default=None)


def _ranges(
    low: Fraction, high: Fraction, least: Fraction | None, most: Fraction | None, step: Fraction
) -> Iterator[tuple[Fraction, Fraction]]:
    """The part of the usual range that is allowed, then all that is allowed, or ten thousand steps of it."""
    usual = (max(low, low if least is None else least), min(high, high if most is None else most))
    if usual[0] <= usual[1]:
        yield usual
    start = least if least is not None else (most or 0) - 10_000 * step
    yield start, start + 10_000 * step if most is None else most


def _size(form: Flat, word: str, default: int) -> int:
    bound = number(form.get(word))
    return default if bound is None or bound < 0 else math.ceil(bound)


def _plain(value: Fraction) -> float | int:
    if value.denominator == 1 and abs(value) < 2**63:
        return int(value)
    return float(max(min(value, HUGE), -HUGE))


# Whose `name` is a person's.
PERSONS = frozenset(
    ("user", "person", "author", "customer", "contact", "member", "employee", "student", "patient", "passenger",
     "participant", "attendee", "guest", "character", "actor", "director", "player", "candidate", "profile")
)  # fmt: skip
# "The city and state, e.g. San Francisco, CA", as the guides of function calling have it.
EXAMPLE = re.compile(
    r"\be\.g\.,? ?(?:'([^']{1,80})'|\"([^\"]{1,80})\"|([^\s;)][^;)\n]{0,80}?)(?=[;)\n]|\.?$| or ))"
)

MAKERS: dict[str, Callable[[_Maker, Flat, str, int], Iterator[object]]] = {
    "string": _Maker.string,
    "integer": _Maker.integer,
    "number": _Maker.number,
    "boolean": _Maker.boolean,
    "null": _Maker.null,
    "array": _Maker.array,
    "object": _Maker.mapping,
}

# What a schema without a type speaks of.
ABOUT = {
    **dict.fromkeys(("properties", "required", "additionalProperties", "patternProperties"), "object"),
    **dict.fromkeys(("minProperties", "maxProperties", "propertyNames"), "object"),
    **dict.fromkeys(("items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains"), "array"),
    **dict.fromkeys(("pattern", "format", "minLength", "maxLength"), "string"),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"), "number"),
}
