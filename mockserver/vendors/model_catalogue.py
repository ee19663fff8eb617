"""The models of a vendor, by all their names, and the rules for the parameters of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mockserver.vendors.model_spec import ModelSpec
from mockserver.vendors.parameter_rules import ParameterRules, add_default_rules
from mockserver.vendors.placeholders import PlaceholderValues
from mockserver.vendors.profile import VendorProfile


class ModelCatalogue:
    """The models of one profile. An unknown model has no properties, and only the default parameter rules."""

    def __init__(self, profile: VendorProfile) -> None:
        common = profile.parameters or {}
        self._models = profile.models or {}
        self._by_name = dict(_models_by_name(self._models))
        self._full_names = {
            f"{model.maker}/{name}": name for name, model in self._models.items() if model.maker
        }
        self._by_name |= {full: self._models[name] for full, name in self._full_names.items()}
        self._default_parameters = add_default_rules(common)
        self._parameters = {
            name: add_default_rules(common | (model.parameters or {}))
            for name, model in self._by_name.items()
        }
        listed = [(name, model) for name, model in self._models.items() if model.listed]
        self.lists: dict[str, list[PlaceholderValues]] = {
            "models": [_list_item(name, model) for name, model in listed if not model.retired],
            "retired": [_list_item(name, model) for name, model in listed if model.retired],
        }

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def __getitem__(self, name: str) -> ModelSpec:
        """Return the specification of a model, by its name or its snapshot's; an empty one if it is unknown."""
        return self._by_name.get(name, _UNKNOWN_MODEL)

    @property
    def names(self) -> tuple[str, ...]:
        """The names for requests, without those of retired models; each model's own is before its snapshot's."""
        return tuple(name for name in self._list_names() if not self._has_embeddings(name))

    @property
    def embedding_names(self) -> tuple[str, ...]:
        """The same for the models that have embeddings."""
        return tuple(name for name in self._list_names() if self._has_embeddings(name))

    def _has_embeddings(self, name: str) -> bool:
        return "embeddings" in (self._by_name[name].apis or ())

    def _list_names(self) -> Iterator[str]:
        for name, model in self._by_name.items():
            if not model.retired and self.accepts(name) and name not in self._full_names:
                yield name

    def full_name(self, name: str) -> str:
        """Return the id of a model in lists of models, with its maker if that is known."""
        model = self._by_name.get(name)
        return next((full for full in self._full_names if self._by_name[full] is model), name)

    def accepts(self, name: str) -> bool:
        """Return whether this is a name that a request may use, of any model."""
        model = self._by_name.get(name)
        return model is not None and (
            name in self._models or name in self._full_names or model.accepts_snapshot
        )

    def parameters(self, name: str) -> ParameterRules:
        """Return the rules for the parameters of a request to a model."""
        return self._parameters.get(name, self._default_parameters)


def _models_by_name(models: Mapping[str, ModelSpec]) -> Iterator[tuple[str, ModelSpec]]:
    for name, model in models.items():
        yield name, model
        if model.snapshot:
            yield model.snapshot, model


def _list_item(name: str, model: ModelSpec) -> dict[str, Any]:
    """Return the values of a model's item in a list of models."""
    price = model.price
    prices: dict[str, float] = {}
    if price:
        prices = {"prompt_price": price.prompt, "completion_price": price.completion}
        prices |= {} if price.cached is None else {"cached_price": price.cached}
    aliases = [*([name] if model.maker else []), *([model.snapshot] if model.snapshot else [])]
    full = f"{model.maker}/{name}" if model.maker else name
    values = {"id": full, "alias": name, "names": [full, *aliases], "aliases": aliases}
    return {**values, **prices, **(model.facts or {})}


_UNKNOWN_MODEL = ModelSpec()
