"""Texts as Jinja2 templates: checked when they are loaded, as far as they can be, and filled for each call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from mockserver.errors import InputError
from mockserver.shape import choice, meant
from mockserver.shelf.response import Choice, Pause, Response

if TYPE_CHECKING:
    from jinja2 import Template, nodes

    from mockserver.shelf.sandbox import Sandbox

Turn = Callable[[str, tuple[str | int, ...]], str]


def check(text: str, groups: frozenset[str | int]) -> None:
    """Raises ValueError for what can be known to fail. `groups` are what `match` will have, 0 among them."""
    from jinja2 import TemplateSyntaxError, meta, nodes  # noqa: PLC0415 imported when the first template is met

    try:
        tree = _sandbox().parse(text)
        _known("filter", {node.name for node in tree.find_all(nodes.Filter)}, _sandbox().filters)
        _known("test", {node.name for node in tree.find_all(nodes.Test)}, _sandbox().tests)
        _known("name", meta.find_undeclared_variables(tree) - _sandbox().globals.keys(), NAMES)
    except TemplateSyntaxError as error:
        place = f" (line {error.lineno} of the text)" if "\n" in text.strip() else ""
        raise ValueError(f"no valid template: {str(error.message).rstrip('.')}{place}") from None
    found: list[nodes.Getattr | nodes.Getitem] = [
        *tree.find_all(nodes.Getattr),
        *tree.find_all(nodes.Getitem),
    ]
    for access in found:
        owner: nodes.Node = access.node
        if isinstance(owner, nodes.Name):
            _accessed(owner.name, access, groups)


def fill(text: str, names: Mapping[str, Any]) -> str:
    """The text, filled. Raises InputError, whatever goes wrong in the template."""
    from mockserver.shelf.sandbox import BUDGET, Budget  # noqa: PLC0415 for templates alone

    try:
        return _compiled(text).render({**names, BUDGET: Budget()})
    except Exception as error:
        raise InputError.of(f"the template failed: {str(error) or type(error).__name__}") from error


def _known(what: str, used: Iterable[str], known: Iterable[str]) -> None:
    for name in sorted(used):
        if name not in known:
            near = meant(name, known) or (f", expected {choice(known)}" if known is NAMES else "")
            raise ValueError(f"unknown {what} {name!r} in the template{near}")


def _accessed(owner: str, access: nodes.Getattr | nodes.Getitem, groups: frozenset[str | int]) -> None:
    """What stands behind `match.` or `fake.`, where it can be read from the text."""
    from jinja2 import nodes  # noqa: PLC0415

    if isinstance(access, nodes.Getattr):
        name: Any = access.attr
    elif isinstance(access.arg, nodes.Const):
        name = access.arg.value
    else:
        return
    if owner == "match" and name not in groups:
        named = sorted(group for group in groups if isinstance(group, str))
        known = (
            f"expected {choice(named)}" if named else "no regular expression of this fixture names a group"
        )
        raise ValueError(f"unknown group {name!r} of match, {known}")
    if owner == "fake" and name not in providers():
        raise ValueError(f"unknown name {name!r} of fake{meant(str(name), providers())}")


@cache
def providers() -> frozenset[str]:
    """What Faker can make up, by name; nothing of its machinery is among it."""
    from faker import Faker  # noqa: PLC0415 a server without templates never pays for it
    from faker.providers import BaseProvider  # noqa: PLC0415

    made = Faker()
    own = {"bothify", "lexify", "numerify", "hexify", "locale", "language_code"} | {
        name for name in dir(BaseProvider) if name.startswith(("random_", "randomize_"))
    }
    found = {name for provider in made.get_providers() for name in dir(provider)} - set(dir(BaseProvider))
    return frozenset(
        name for name in found | own if not name.startswith("_") and callable(getattr(made, name, None))
    )


def turned(response: Response, turn: Turn) -> Response:
    """The response with each of its texts turned; `turn` is also given where in the response it stands."""
    changes: dict[str, Any] = _turned(response, turn, ())
    if response.choices is not None:
        changes["choices"] = tuple(
            replace(one, **_turned(one, turn, ("choices", index)))
            for index, one in enumerate(response.choices)
        )
    if response.message is not None:
        changes["message"] = turn(response.message, ("message",))
    if response.raw is not None and response.raw.body is not None:
        changes["raw"] = replace(response.raw, body=turn(response.raw.body, ("raw", "body")))
    if response.raw is not None and response.raw.sse is not None:
        changes["raw"] = replace(response.raw, sse=_pieces(response.raw.sse, turn, ("raw", "sse")))
    return replace(response, **changes)


def texts(response: Response) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    """Each text of a response that a template may be, and where it stands."""
    met: list[tuple[str, tuple[str | int, ...]]] = []

    def meet(text: str, path: tuple[str | int, ...]) -> str:
        met.append((text, path))
        return text

    turned(response, meet)
    yield from met


def _turned(said: Choice | Response, turn: Turn, path: tuple[str | int, ...]) -> dict[str, Any]:
    changes: dict[str, Any] = {
        name: turn(text, (*path, name))
        for name in ("text", "refusal", "reasoning")
        if (text := getattr(said, name)) is not None
    }
    if said.chunks is not None:
        changes["chunks"] = _pieces(said.chunks, turn, (*path, "chunks"))
    if said.json is not None:
        changes["json"] = _leaves(said.json, turn, (*path, "json"))
    if said.tool_calls is not None:
        changes["tool_calls"] = tuple(
            replace(made, arguments=_leaves(made.arguments, turn, (*path, "tool_calls", index, "arguments")))
            for index, made in enumerate(said.tool_calls)
        )
    return changes


def _pieces(
    pieces: tuple[str | Pause, ...], turn: Turn, path: tuple[str | int, ...]
) -> tuple[str | Pause, ...]:
    return tuple(
        turn(piece, (*path, index)) if isinstance(piece, str) else piece for index, piece in enumerate(pieces)
    )


def _leaves(value: Any, turn: Turn, path: tuple[str | int, ...]) -> Any:
    if isinstance(value, str):
        return turn(value, path)
    if isinstance(value, dict):
        return {key: _leaves(part, turn, (*path, key)) for key, part in value.items()}
    if isinstance(value, list):
        return [_leaves(part, turn, (*path, index)) for index, part in enumerate(value)]
    return value


@cache
def _sandbox() -> Sandbox:
    from mockserver.shelf.sandbox import Sandbox  # noqa: PLC0415 a server without templates never pays for it

    return Sandbox()


@lru_cache(maxsize=4096)
def _compiled(text: str) -> Template:
    return _sandbox().from_string(text)


# What a template may name.
NAMES = ("user", "match", "body", "vendor", "model", "key", "session", "turn", "attempt", "fake", "now")
