"""Who is let in: path, verb and size, then what the vendor checks, in its own order."""

from __future__ import annotations

from mockserver.call import Call
from mockserver.errors import ApiError
from mockserver.notes import noted
from mockserver.origin import Origin, is_session
from mockserver.session import issues, rules
from mockserver.session.issues import Issue
from mockserver.vendors.form import text
from mockserver.vendors.model import Unavailable


def admit(call: Call) -> None:
    """Raises ApiError for the first thing that a vendor would refuse; returns when there is none."""
    if _welcome(call.origin) and rules.sound(call):
        return
    reach(call)
    for name in call.vendor.profile.checks:
        check(call, name)


def check(call: Call, name: str) -> None:
    """One of the vendor's checks, as far as it needs to know of no account."""
    lookup = call.place.lookup
    if lookup is None or (name in _OF_WHOEVER_READS and not lookup.open):
        if name in _OF_THE_HEAD:
            _raise(_OF_THE_HEAD[name](call.origin))
        elif name in _OF_THE_BODY:
            _OF_THE_BODY[name](call)


def reach(call: Call) -> None:
    """It came to a place that there is, in a way that can be told."""
    _raise(_astray(call.origin))
    if call.flaw == "too_large":
        raise ApiError("too_large")


@noted
def _welcome(origin: Origin) -> bool:
    """Whether a chat request with this head is let in, but for what its body says."""
    return origin.place.chat and not any(wrong(origin) for wrong in (_astray, *_OF_THE_HEAD.values()))


def _raise(error: ApiError | None) -> None:
    if error is not None:
        raise error


def _astray(origin: Origin) -> ApiError | None:
    place, method = origin.place, origin.head.method
    if not place.chat and place.lookup is None:
        return ApiError("not_found")
    # Whatever may be read may be read without its body (RFC 9110, 9.3.2).
    if method != place.method and (method, place.method) != ("HEAD", "GET"):
        return ApiError("method_not_allowed")
    if not is_session(origin.session):
        return ApiError(
            "invalid_request",
            f"found the session {origin.session[:80]!r}, in the path after /s/ or in X-Mock-Session; "
            "expected 1 to 64 letters, digits, '.', '_' or '-'",
        )
    return None


def _mistyped(origin: Origin) -> ApiError | None:
    kind = origin.headers.get("content-type", "")
    media = kind.partition(";")[0].strip().lower()
    if media == "application/json" or media.endswith("+json"):
        return None
    words = f"Content-Type: expected application/json, received {kind[:80] or 'nothing'}"
    return ApiError("wrong_content_type", detail=words, issues=(issues.custom(words),))


def _keyless(origin: Origin) -> ApiError | None:
    if origin.key:
        return None
    return ApiError("missing_key" if origin.key is None else "invalid_key")


def _offered(call: Call) -> None:
    """A model that it names is to be had."""
    vendor, profile = call.vendor, call.vendor.profile
    if vendor.models[call.model].retired:
        raise _unavailable(call, profile.retired_model)
    # Where an unknown one is a mistake in the body, the rules tell.
    if call.model and not vendor.offers(call.model) and profile.unknown_model.kind != "invalid_request":
        raise _unavailable(call, profile.unknown_model)


def _unavailable(call: Call, how: Unavailable) -> ApiError:
    known = ", ".join(call.vendor.models.names) or "none"
    words = text(how.message, {"model": call.model[:80]}) or None
    return ApiError(how.kind, words, detail=f"found the model {call.model[:80]!r}, expected one of {known}")


def _sound(call: Call) -> None:
    """Its body is what a chat request must be."""
    if call.flaw:
        raise _invalid([issues.custom(call.flaw_detail)])
    found = rules.broken(call)
    if found:
        raise _invalid(found)
    _heard(call)


def _heard(call: Call) -> None:
    """A vendor may know of a model that it does not hear every role."""
    words = call.vendor.deaf_to(call.model, (message["role"] for message in call.messages))
    if words is not None:
        raise ApiError("invalid_request", words)


def _invalid(found: list[Issue]) -> ApiError:
    return ApiError("invalid_request", detail=issues.spelled(found), issues=tuple(found))


_OF_THE_HEAD = {"content_type": _mistyped, "key": _keyless}
_OF_THE_BODY = {"model": _offered, "body": _sound}
_OF_WHOEVER_READS = ("key",)  # what asks for no completion has no body
