"""A response whose texts are templates, filled for one call: the same request gets the same words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mockserver.call import Call
from mockserver.errors import ApiError, InputError
from mockserver.invention.voice import DEFAULT, digest, faker_for
from mockserver.shape import meant
from mockserver.shelf import matching, template
from mockserver.shelf.fixture import Fixture
from mockserver.shelf.response import Choice, Response

if TYPE_CHECKING:
    from faker import Faker


class _Fake:
    """Faker, made when a template first asks for it."""

    def __init__(self, seed: int, locale: str) -> None:
        self._seed, self._locale = seed, locale
        self._faker: Faker | None = None

    def __getattr__(self, name: str) -> Any:
        if name not in template.providers():
            raise AttributeError(f"fake has no {name!r}{meant(name, template.providers())}")
        if self._faker is None:
            self._faker = faker_for(self._locale, self._seed)
        return getattr(self._faker, name)


def filled(call: Call, fixture: Fixture, response: Response, seed: int, locale: str = DEFAULT) -> Response:
    """The response in its final words, every choice in its own.

    Raises ApiError when a template fails: the mock speaks then, and asks clients not to try again.
    """
    names: dict[str, Any] = {
        "user": call.user,
        "match": matching.groups(call, fixture),
        "body": call.body,
        "vendor": call.vendor.name,
        "model": call.model,
        "key": call.key,
        "session": call.session,
        "turn": call.turn,
        "attempt": call.attempt,
        "now": datetime.now(UTC),
    }

    def fake(index: int) -> _Fake:
        return _Fake(digest(seed, call.body.get("seed"), fixture.name, index), locale)

    try:
        if response.error is not None or response.raw is not None:
            return _words(response, names, fake(0))
        choices = response.spoken if response.choices else response.spoken * call.wanted
        words = tuple(
            _words(Response(choices=(one,)), names, fake(index)) for index, one in enumerate(choices)
        )
    except InputError as error:
        message = f"fixture {fixture.name!r} ({fixture.source}): {error.problems[0].message}"
        raise ApiError("server_error", message, headers=(("x-should-retry", "false"),)) from error
    said: dict[str, Any] = dict.fromkeys(("text", "chunks", "json", "tool_calls", "refusal", "reasoning"))
    return replace(response, **said, choices=tuple(_only(one) for one in words))


def _only(response: Response) -> Choice:
    return response.spoken[0]


def _words(response: Response, names: dict[str, Any], fake: _Fake) -> Response:
    known = {**names, "fake": fake}
    return template.turned(response, lambda text, _: template.fill(text, known))
