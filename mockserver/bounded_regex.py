"""Regular expressions whose searches have a time limit, shared by all searches of one request.

Python's `re` holds the GIL for as long as a search takes, which for some patterns is years. The library `regex`
gives up after a time and lets other threads run meanwhile; its version 0 matches as `re` does.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from contextvars import ContextVar
from time import perf_counter, thread_time
from typing import Any, Final

from mockserver.schema.messages import truncate_text

REQUEST_TIME_LIMIT: Final = 0.05  # seconds of all searches of one request
_GIL_TIME_LIMIT: Final = (
    0.001  # seconds that one search may hold the GIL: releasing it costs more than most searches
)
_LONG_PATTERN: Final = 500  # characters; a longer one takes milliseconds to compile
_SHOWN_LENGTH: Final = 60  # characters of a pattern in a message


class RegexSearchError(Exception):
    """A search without a result: it reached its time limit, or its pattern cannot be compiled for it."""

    def __init__(self, pattern: str, problem: str) -> None:
        super().__init__(f"the regular expression /{truncate_text(pattern)}/ {problem}")


class RegexBudget:
    """The time that the searches of one request have left, in seconds.

    One search gets at most half of it, so that a slow pattern leaves time for those after it.
    """

    __slots__ = ("_timed_out", "failures", "remaining")

    def __init__(self, seconds: float = REQUEST_TIME_LIMIT) -> None:
        self.remaining = seconds
        self.failures: list[str] = []  # see note_regex_failure
        self._timed_out: tuple[tuple[Callable[..., Any], str], ...] = ()

    def run(self, method: Callable[..., Any], text: str, pattern: str) -> Any:
        """Return the result of a method of a compiled pattern on a text. Raises RegexSearchError."""
        if self._timed_out and (method, text) in self._timed_out:
            raise _timeout_error(pattern)  # known, at no cost
        limit = min(_GIL_TIME_LIMIT, self.remaining / 2)
        started = perf_counter()
        try:
            return method(text, timeout=limit, concurrent=False)
        except TimeoutError:
            pass
        finally:
            # Not more than the limit: the rest is time in which the process did not run.
            self.remaining -= min(perf_counter() - started, limit)
        return self._run_without_gil(method, text, pattern)

    def _run_without_gil(self, method: Callable[..., Any], text: str, pattern: str) -> Any:
        limit = self.remaining / 2
        started = thread_time()
        try:
            return method(text, timeout=limit, concurrent=True)
        except TimeoutError:
            self._timed_out += ((method, text),)
            raise _timeout_error(pattern) from None
        finally:
            self.remaining -= min(thread_time() - started, limit)


_active_budget: ContextVar[RegexBudget | None] = ContextVar("regex_budget", default=None)


class SharedRegexBudget(RegexBudget):
    """A context in which all searches share one budget; inside another one, the budget of that.

    The budget is that of the current task (a context variable), so that the context may span an `await`.
    """

    __slots__ = ("_token",)

    def __enter__(self) -> RegexBudget:
        budget = _active_budget.get()
        self._token = None if budget else _active_budget.set(self)
        return budget or self

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            _active_budget.reset(self._token)


def note_regex_failure(owner: str, error: RegexSearchError) -> None:
    """Note in the shared budget, if there is one, that an owner does not match because of a search without a result."""
    budget = _active_budget.get()
    if budget is not None:
        budget.failures.append(f"{owner} does not match: {error}")


class BoundedRegex:
    """A regular expression, written and understood as Python's `re` does."""

    __slots__ = ("_compiled", "_standard")

    def __init__(self, standard: re.Pattern[str]) -> None:
        self._standard = standard
        self._compiled: Any = None
        if len(self.pattern) > _LONG_PATTERN:
            self._compiled = _compile_bounded(standard)

    @property
    def pattern(self) -> str:
        """Return the regular expression as it was written."""
        return self._standard.pattern

    @property
    def flags(self) -> int:
        """Return the flags of `re`, those in the pattern included."""
        return self._standard.flags

    @property
    def group_names(self) -> tuple[str | int, ...]:
        """Return the names and numbers of the groups; 0 is the whole match."""
        return (*self._standard.groupindex, *range(self._standard.groups + 1))

    def search(self, text: str) -> Any:
        """Return the first match in a text, or None, as `re.Pattern.search` does. Raises RegexSearchError."""
        return (_active_budget.get() or RegexBudget()).run(self._bounded().search, text, self.pattern)

    def fullmatch(self, text: str) -> Any:
        """Return the match that is the whole text, or None. Raises RegexSearchError."""
        return (_active_budget.get() or RegexBudget()).run(self._bounded().fullmatch, text, self.pattern)

    def find_spans(self, text: str) -> list[tuple[int, int]]:
        """Return the positions of all matches that are not empty. Raises RegexSearchError."""
        spans: list[tuple[int, int]] = (_active_budget.get() or RegexBudget()).run(
            self._list_spans, text, self.pattern
        )
        return spans

    def _list_spans(self, text: str, **limits: Any) -> list[tuple[int, int]]:
        spans = (match.span() for match in self._bounded().finditer(text, **limits))
        return [(start, end) for start, end in spans if start < end]

    def _bounded(self) -> Any:
        # A short pattern is compiled when it is first needed: of thousands of fixtures few are ever searched with.
        if self._compiled is None:
            try:
                self._compiled = _compile_bounded(self._standard)
            except (re.error, RecursionError) as error:
                raise RegexSearchError(self.pattern, f"cannot be searched with: {error}") from None
        return self._compiled


def compile_regex(pattern: str, flags: int = 0, *, rarely_used: bool = False) -> BoundedRegex:
    """Compile a pattern of Python's `re`, with flags of `re`.

    The library is imported now, not in the first search, unless the pattern is rarely used.
    Raises re.error, OverflowError and RecursionError as `re.compile` does.
    """
    if not rarely_used:
        import regex  # noqa: F401, PLC0415 it takes half as long as the rest of the server

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about sets that a later Python may read differently
        return BoundedRegex(re.compile(pattern, flags))


def _compile_bounded(standard: re.Pattern[str]) -> Any:
    import regex  # noqa: PLC0415

    flags = regex.VERSION0
    for name in ("ASCII", "IGNORECASE", "MULTILINE", "DOTALL", "VERBOSE"):
        if standard.flags & getattr(re, name):  # the two libraries number them differently
            flags |= getattr(regex, name)
    try:
        return regex.compile(_escape_extensions(standard), flags)
    except regex.error as error:
        raise re.error(error.msg, standard.pattern, error.pos) from None


def _timeout_error(pattern: str) -> RegexSearchError:
    return RegexSearchError(pattern, f"reached the limit of {REQUEST_TIME_LIMIT * 1000:.0f} ms per request")


def _escape_extensions(standard: re.Pattern[str]) -> str:
    """Return a pattern in which nothing is special to `regex` that is not to `re`.

    These are fuzzy matching, `(?:word){e<=1}`, and POSIX classes, `[[:alpha:]]`: for `re` both are literal text.
    """
    if "{" not in standard.pattern and "[:" not in standard.pattern:
        return standard.pattern
    tokens = _VERBOSE_TOKEN if standard.flags & re.VERBOSE else _TOKEN
    return tokens.sub(_escape_token, standard.pattern)


def _escape_token(token: re.Match[str]) -> str:
    text = token[0]
    if text == "{":
        return r"\{"
    return "[" + text[1:].replace("[:", r"\[:") if text[0] == "[" else text


# An escaped character; a comment; a set; a brace that is no repetition.
_TOKEN = re.compile(r"\\.|\(\?#[^)]*\)|\[\^?\]?(?:\\.|[^\]\\])*\]|\{(?![0-9]+\}|[0-9]*,[0-9]*\})", re.DOTALL)
_VERBOSE_TOKEN = re.compile(rf"#[^\n]*|{_TOKEN.pattern}", re.DOTALL)
