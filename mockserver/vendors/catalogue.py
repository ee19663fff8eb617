"""Which models a vendor has, under all their names, and what each takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mockserver.vendors.form import Values
from mockserver.vendors.model import Model
from mockserver.vendors.parameter import Fields, held
from mockserver.vendors.profile import Profile


class Catalogue:
    """The models of one profile. Of those that it does not know nothing is known, and nothing is wrong with them."""

    def __init__(self, profile: Profile) -> None:
        every = profile.parameters or {}
        self._models = profile.models or {}
        self._named = dict(_by_every_name(self._models))
        self._usual = held(every)
        self._parameters = {
            name: held(every | (model.parameters or {})) for name, model in self._named.items()
        }
        self.lists: dict[str, list[Values]] = {
            "models": [_item(name, model) for name, model in self._models.items() if not model.retired],
            "retired": [_item(name, model) for name, model in self._models.items() if model.retired],
        }

    def __contains__(self, name: str) -> bool:
        return name in self._named

    def __getitem__(self, name: str) -> Model:
        """What is known of a model, under its own name or its snapshot's."""
        return self._named.get(name, _UNKNOWN)

    @property
    def names(self) -> tuple[str, ...]:
        """Every name of every model that is to be had, a model's own before its snapshot's."""
        return tuple(name for name, model in self._named.items() if not model.retired)

    def parameters(self, name: str) -> Fields:
        """What the fields of a request to a model must be."""
        return self._parameters.get(name, self._usual)


def _by_every_name(models: Mapping[str, Model]) -> Iterator[tuple[str, Model]]:
    for name, model in models.items():
        yield name, model
        if model.snapshot:
            yield model.snapshot, model


def _item(name: str, model: Model) -> dict[str, Any]:
    """What a list of models says of one."""
    price = model.price
    prices = {"prompt_price": price.prompt, "completion_price": price.completion} if price else {}
    aliases = [model.snapshot] if model.snapshot else []
    return {"id": name, "aliases": aliases, **prices, **(model.facts or {})}


_UNKNOWN = Model()
