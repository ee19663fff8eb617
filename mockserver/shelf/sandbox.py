"""Jinja2's sandbox, in which no template runs for ever or fills the memory, and the same one says the same.

Jinja2 keeps templates away from Python's insides. What it leaves open is bounded here: rounds of loops and
calls are steps, of which there are so many, and whatever a step takes or makes has so many characters or items.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from importlib.metadata import version
from typing import Any

from jinja2 import StrictUndefined, nodes, pass_context
from jinja2.compiler import CodeGenerator, Frame
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

MOST = 1_000_000  # characters or items of one value, and characters of what is said
STEPS = 10_000  # rounds of loops and calls in one text
BUDGET = "_budget"  # under which name a filling has its own

# Chance that no seed reaches, and a text that nobody asked for.
_NO_FILTERS, _NO_GLOBALS = ("random",), ("lipsum",)
# What Faker and Python make of a large number here is a number or a date, not a large text.
_NUMERIC = re.compile(r"int|number|float|decimal|time|date")
_WIDE = re.compile(r"[0-9]{7}")  # of a format: `%9999999d`


class Budget:
    """What one filling may still do."""

    def __init__(self) -> None:
        self.steps = STEPS
        self.characters = MOST

    def step(self) -> None:
        self.steps -= 1
        if self.steps < 0:
            raise ValueError(f"it takes more than {STEPS:,} rounds of loops and calls")

    def say(self, size: int) -> None:
        self.characters -= size
        if self.characters < 0:
            raise ValueError(f"it says more than {MOST:,} characters")


class _Code(CodeGenerator):
    """Has every round of a loop and every `~` go through the environment."""

    def visit_For(self, node: nodes.For, frame: Frame) -> None:  # noqa: N802 Jinja2's names
        node.iter = _called("rounds", [node.iter])  # type: ignore[list-item]  # annotated too widely
        super().visit_For(node, frame)

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802
        self.visit(_called("joined", node.nodes), frame)


class Sandbox(ImmutableSandboxedEnvironment):
    """The environment of all templates."""

    code_generator_class = _Code
    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self) -> None:
        _require_hooks()
        super().__init__(
            undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False, finalize=_finalize
        )
        for name in _NO_GLOBALS:
            del self.globals[name]
        self.filters = {
            name: _bounded(function) for name, function in self.filters.items() if name not in _NO_FILTERS
        }

    def call(self, context: Context, called: Any, /, *args: Any, **named: Any) -> Any:
        context.parent[BUDGET].step()
        method = getattr(called, "__wrapped__", called)
        name, own = getattr(method, "__name__", ""), getattr(method, "__self__", None)
        if isinstance(own, str) or not _NUMERIC.search(name):
            _weigh(own, *args, *named.values(), form=own if name.startswith("format") else None)
        return _small(super().call(context, called, *args, **named))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "**" and (abs(left) > MOST or abs(right) > 64):
            raise ValueError("a power is too large")
        if operator in "*%" and any(isinstance(side, str | list | tuple) for side in (left, right)):
            _weigh(left, right, form=left if operator == "%" else None)
            times = [side for side in (left, right) if isinstance(side, int)]
            _within(_size(left) * _size(right) * max([1, *times]))
        return _small(super().call_binop(context, operator, left, right))

    @staticmethod
    @pass_context
    def rounds(context: Context, items: Iterable[Any]) -> Iterator[Any]:
        """What a loop goes over."""
        for item in items:
            context.parent[BUDGET].step()
            yield item

    @staticmethod
    def joined(*parts: Any) -> str:
        """What `~` makes."""
        return "".join(map(str, parts))


def _require_hooks() -> None:
    """Check that Jinja2 calls what bounds a template. ValueError if not: an unbounded one would stop the server."""
    for name in ("visit_For", "visit_Concat"):
        if not hasattr(CodeGenerator, name):
            raise ValueError(
                f"no template can be bounded: Jinja2 {version('jinja2')} has no CodeGenerator.{name}; "
                "install another version of it"
            )


@pass_context
def _finalize(context: Context, value: Any) -> Any:
    """What is about to be said; it is said as it stands, once it has been paid for."""
    context.parent[BUDGET].say(_size(value))
    return value


def _called(name: str, parts: list[nodes.Expr]) -> nodes.Call:
    return nodes.Call(nodes.EnvironmentAttribute(name), parts, [], None, None)


def _bounded(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)  # with Jinja2's marks, such as that it takes the context
    def call(*args: Any, **named: Any) -> Any:
        form = args[0] if function.__name__ == "do_format" else None
        _weigh(*args, *named.values(), form=form)
        return _small(function(*args, **named))

    return call


def _weigh(*values: Any, form: Any = None) -> None:
    """Raises ValueError where these together may make something too large."""
    if isinstance(form, str) and _WIDE.search(form):
        raise ValueError("a width is too large")
    product = 1
    for value in values:
        if isinstance(value, int) and abs(value) > MOST:
            raise ValueError(f"the number {value} is too large here")
        if isinstance(value, tuple):
            _weigh(*value)
        product *= max(_size(value), 1)
    _within(product // 10)


def _small(value: Any) -> Any:
    _size(value)
    return value


def _size(value: Any) -> int:
    """The characters and items in a value; what is in it twice counts twice, as it does when it is said."""
    total, waiting = 0, [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str | bytes):
            total += len(one)
        elif isinstance(one, dict):
            waiting += [*one.keys(), *one.values()]
            total += len(one)
        elif isinstance(one, list | tuple | set):
            waiting += one
            total += len(one)
        _within(total)
    return total


def _within(size: int) -> None:
    if size > MOST:
        raise ValueError(f"a text or list is too large: {MOST:,} characters or items are the most")
