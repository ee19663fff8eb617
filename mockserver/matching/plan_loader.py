"""The plan of a document: compiled steps, with the place in the document that each was read from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mockserver.fixtures.plan_spec import PLAN, PlanSpec, PlanStep, PlanStepSpec, compile_step
from mockserver.schema.field_types import read_document
from mockserver.schema.object_types import ObjectType
from mockserver.schema.yaml_document import Document, ValuePath


def parse_runtime_plan(source: Document) -> tuple[PlanStep, ...]:
    """Parse a plan that is set while the server runs: a list of steps, or a mapping with `plan`. Raises InputError."""
    if isinstance(source.value, dict):
        spec: PlanSpec = read_document(ObjectType(PlanSpec), source)
        return compile_plan(spec.steps, source, ("plan",), "runtime")
    return compile_plan(read_document(PLAN, source), source, (), "runtime")


def compile_plan(
    steps: Iterable[PlanStepSpec], source: Document, path: ValuePath, label: str
) -> tuple[PlanStep, ...]:
    """Compile the steps at a path of a document, named after the label and their place."""
    return tuple(
        compile_step(
            step,
            f"{label}-plan-{index + 1}",
            format_source(source, (*path, index)),
            get_value_at(source, (*path, index)),
        )
        for index, step in enumerate(steps)
    )


def format_source(source: Document, path: ValuePath) -> str:
    """Return the file and line of a path, as `fixtures.yaml:3`."""
    line, _ = source.position(path)
    return f"{source.name}:{line}" if line else source.name


def get_value_at(source: Document, path: ValuePath) -> Any:
    """Return the value at a path of a document."""
    value: Any = source.value
    for step in path:
        value = value[step]
    return value
