"""The limit on the work for one generated response, counted in steps."""

from __future__ import annotations

from mockserver.errors import ApiError

MAX_STEPS = 100_000  # per response; a step takes 1 to 3 microseconds
CHARACTERS_PER_STEP = 4  # of a string that becomes part of the response
MAX_JSON_CHARACTERS = 300_000  # in prompts, decoded in search of a schema
MAX_NESTING = 60  # levels of a value that a schema contains; deeper ones cannot be encoded everywhere


class GenerationBudgetError(Exception):
    """The steps of a budget are used up."""


class GenerationBudget:
    """The steps that the generation of one response may take.

    Flattening, merging, validating and sampling of schemas, texts and prompts all draw from it, so that no request
    holds the event loop. A number of steps, not a time, so that the same request always gets the same response.
    """

    __slots__ = ("json_characters_left", "limit", "patterns", "steps_left")

    def __init__(self, limit: int = MAX_STEPS) -> None:
        self.limit = limit
        self.steps_left = limit
        self.json_characters_left = MAX_JSON_CHARACTERS  # beyond them, no more JSON is looked for in prompts
        self.patterns: set[str] = set()  # the regular expressions whose compilation is paid for

    @property
    def is_exhausted(self) -> bool:
        """Return whether more steps were asked for than were left."""
        return self.steps_left < 0

    def deduct(self, steps: int) -> None:
        """Take steps from the budget, even if fewer are left."""
        self.steps_left -= steps

    def spend(self, steps: int = 1) -> None:
        """Take steps from the budget. Raise GenerationBudgetError if fewer are left."""
        self.steps_left -= steps
        if self.steps_left < 0:
            raise GenerationBudgetError

    def spend_value(self, value: object, depth: int = 0) -> None:
        """Take the steps for a value that becomes part of the response.

        Raise GenerationBudgetError if fewer are left, or if the value is nested too deeply.
        """
        self.spend(1 + (len(value) // CHARACTERS_PER_STEP if isinstance(value, str) else 0))
        if depth > MAX_NESTING:
            raise GenerationBudgetError
        if isinstance(value, list | dict):
            for part in value:
                self.spend_value(part, depth + 1)
        if isinstance(value, dict):
            for part in value.values():
                self.spend_value(part, depth + 1)

    def raise_if_exhausted(self) -> None:
        """Raise an ApiError with status 400 if no steps are left for another choice or tool call."""
        if self.is_exhausted:
            raise ApiError(
                "invalid_request",
                f"The mock server stopped generating this response after {self.limit} steps. "
                "Ask for fewer choices (n), a shorter text or a simpler JSON schema, or write a fixture.",
            ).with_cause("response")
