"""Who is let in: path, verb and size, then what the vendor checks, in its own order."""

from __future__ import annotations

from mockserver.errors import ApiError
from mockserver.memoize import memoized
from mockserver.request.chat_request import ChatRequest
from mockserver.request.request_head import RoutedHead, is_session_name
from mockserver.validation.body_rules import find_body_issues, passes_fast_check
from mockserver.validation.zod_issues import Issue, create_custom_issue, format_issues
from mockserver.vendors.model_spec import UnavailableSpec
from mockserver.vendors.placeholders import fill_text


def admit_request(request: ChatRequest) -> None:
    """Raises ApiError for the first thing that a vendor would refuse; returns when there is none."""
    if _passes_head_checks(request.routed_head) and passes_fast_check(request):
        return
    check_route(request)
    for name in request.vendor.profile.checks:
        run_check(request, name)


def run_check(request: ChatRequest, name: str) -> None:
    """One of the vendor's checks, as far as it needs to know of no account."""
    lookup = request.route.aux_endpoint
    if lookup is None or (name in _READ_CHECKS and not lookup.is_public):
        if name in _HEAD_CHECKS:
            _raise_if_error(_HEAD_CHECKS[name](request.routed_head))
        elif name in _BODY_CHECKS:
            _BODY_CHECKS[name](request)


def check_route(request: ChatRequest) -> None:
    """It came to a place that there is, in a way that can be told."""
    _raise_if_error(_route_error(request.routed_head))
    if request.body_error == "too_large":
        raise ApiError("too_large")


@memoized
def _passes_head_checks(origin: RoutedHead) -> bool:
    """Whether a chat request with this head is let in, but for what its body says."""
    return origin.route.chat and not any(wrong(origin) for wrong in (_route_error, *_HEAD_CHECKS.values()))


def _raise_if_error(error: ApiError | None) -> None:
    if error is not None:
        raise error


def _route_error(origin: RoutedHead) -> ApiError | None:
    place, method = origin.route, origin.head.method
    if not place.chat and place.aux_endpoint is None:
        return ApiError("not_found")
    # Whatever may be read may be read without its body (RFC 9110, 9.3.2).
    if method != place.method and (method, place.method) != ("HEAD", "GET"):
        return ApiError("method_not_allowed")
    if not is_session_name(origin.session):
        return ApiError(
            "invalid_request",
            f"found the session {origin.session[:80]!r}, in the path after /s/ or in X-Mock-Session; "
            "expected 1 to 64 letters, digits, '.', '_' or '-'",
        )
    return None


def _content_type_error(origin: RoutedHead) -> ApiError | None:
    kind = origin.headers.get("content-type", "")
    media = kind.partition(";")[0].strip().lower()
    if media == "application/json" or media.endswith("+json"):
        return None
    words = f"Content-Type: expected application/json, received {kind[:80] or 'nothing'}"
    return ApiError("wrong_content_type", detail=words, issues=(create_custom_issue(words),))


def _key_error(origin: RoutedHead) -> ApiError | None:
    if origin.api_key:
        return None
    return ApiError("missing_key" if origin.api_key is None else "invalid_key")


def _check_model(request: ChatRequest) -> None:
    """A model that it names is to be had."""
    vendor, profile = request.vendor, request.vendor.profile
    if vendor.models[request.model].retired:
        raise _unavailable_error(request, profile.retired_model)
    # Where an unknown one is a mistake in the body, the rules tell.
    if (
        request.model
        and not vendor.has_model(request.model)
        and profile.unknown_model.kind != "invalid_request"
    ):
        raise _unavailable_error(request, profile.unknown_model)


def _unavailable_error(request: ChatRequest, unavailable: UnavailableSpec) -> ApiError:
    known = ", ".join(request.vendor.models.names) or "none"
    words = fill_text(unavailable.message, {"model": request.model[:80]}) or None
    return ApiError(
        unavailable.kind, words, detail=f"found the model {request.model[:80]!r}, expected one of {known}"
    )


def _check_body(request: ChatRequest) -> None:
    """Its body is what a chat request must be."""
    if request.body_error:
        raise _invalid_body_error([create_custom_issue(request.body_error_detail)])
    found = find_body_issues(request)
    if found:
        raise _invalid_body_error(found)
    _check_roles(request)


def _check_roles(request: ChatRequest) -> None:
    """A vendor may know of a model that it does not hear every role."""
    words = request.vendor.unsupported_role(request.model, (message["role"] for message in request.messages))
    if words is not None:
        raise ApiError("invalid_request", words)


def _invalid_body_error(found: list[Issue]) -> ApiError:
    return ApiError("invalid_request", detail=format_issues(found), issues=tuple(found))


_HEAD_CHECKS = {"content_type": _content_type_error, "key": _key_error}
_BODY_CHECKS = {"model": _check_model, "body": _check_body}
_READ_CHECKS = ("key",)  # what asks for no completion has no body
