"""Admission: the checks that refuse a request as its vendor does, in the vendor's order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Final

from mockserver.errors import ApiError, ErrorCause
from mockserver.memoize import memoized
from mockserver.request.chat_request import ChatRequest
from mockserver.request.request_head import SESSION_NAME_FORM, RoutedHead, get_media_type, is_session_name
from mockserver.schema.messages import truncate_text
from mockserver.validation.body_rules import find_body_issues, passes_fast_check
from mockserver.validation.embedding_rules import find_token_limit_error, find_wrong_api, list_model_names
from mockserver.validation.responses_rules import refuse_unserved_features
from mockserver.validation.zod_issues import Issue, create_custom_issue, format_issues
from mockserver.vendors.apis import POSTED_APIS
from mockserver.vendors.model_spec import RejectedValueSpec, UnavailableSpec
from mockserver.vendors.placeholders import fill_optional_text
from mockserver.vendors.unserved_endpoints import format_hint_header

AccountCheck = Callable[[], Awaitable[None]]  # raises ApiError if it fails
NO_ACCOUNT_CHECKS: Final[Mapping[str, AccountCheck]] = MappingProxyType({})


async def admit_request(
    request: ChatRequest, account_checks: Mapping[str, AccountCheck] = NO_ACCOUNT_CHECKS
) -> None:
    """Run all checks of a request in the vendor's order. Raises ApiError for the first that fails.

    `account_checks` has by name the checks that need the account; each runs after the check of the same name.
    """
    is_valid = passes_checks(request)
    if is_valid and not account_checks:
        return
    if not is_valid:
        _check_route(request)
    for name in request.vendor.profile.checks:
        if not is_valid:
            _run_check(request, name)
        if name in account_checks:
            await account_checks[name]()


def passes_checks(request: ChatRequest) -> bool:
    """Return whether a request is of the usual shape, and passes all checks that need no account."""
    return _passes_head_checks(request.routed_head) and passes_fast_check(request)


def _run_check(request: ChatRequest, name: str) -> None:
    """Run one of the vendor's checks, without what needs an account. Raises ApiError if it fails."""
    aux_endpoint = request.route.aux_endpoint
    if aux_endpoint is None or (name in _AUX_CHECKS and not aux_endpoint.is_public):
        if name in _HEAD_CHECKS:
            _raise_if_error(_HEAD_CHECKS[name](request.routed_head))
        elif name in _BODY_CHECKS:
            _BODY_CHECKS[name](request)


def _check_route(request: ChatRequest) -> None:
    """Check path, method, session name and size. Raises ApiError if one is wrong."""
    _raise_if_error(_route_error(request.routed_head))
    if request.parsed.error == "too_large":
        detail = request.parsed.error_detail or "the body is larger than --max-body allows"
        raise ApiError("too_large", detail=detail).with_cause("body")
    if request.parsed.error == "unknown_coding":
        raise ApiError(415, request.parsed.error_detail).with_cause("body")


@memoized
def _passes_head_checks(routed_head: RoutedHead) -> bool:
    """Return whether this is the head of a POST request that no check of heads refuses."""
    checks = (_route_error, *_HEAD_CHECKS.values())
    return routed_head.route.api in POSTED_APIS and not any(find_error(routed_head) for find_error in checks)


def _raise_if_error(error: ApiError | None) -> None:
    if error is not None:
        raise error


def _route_error(routed_head: RoutedHead) -> ApiError | None:
    route, method = routed_head.route, routed_head.head.method
    if route.api == "unknown":
        hint = route.vendor.unserved_endpoints.explain(method, route.path)
        if hint is not None:
            return ApiError("not_found", detail=hint, headers=(format_hint_header(hint),)).with_cause("path")
        known = route.vendor.profile.paths.chat[0]
        return ApiError(
            "not_found", detail=f"{route.vendor.profile.title} has no such path, expected {known}"
        ).with_cause("path")
    # HEAD is allowed wherever GET is (RFC 9110, section 9.3.2).
    if method not in route.methods and (method != "HEAD" or "GET" not in route.methods):
        expected = " or ".join(route.methods)
        return ApiError(
            "method_not_allowed", detail=f"found {truncate_text(method, 20)}, expected {expected}"
        ).with_cause("path")
    if not is_session_name(routed_head.session):
        return ApiError(
            "invalid_request",
            f"found the session {truncate_text(routed_head.session, 80)!r}, "
            f"in the path after /s/ or in X-Mock-Session; expected {SESSION_NAME_FORM}",
        ).with_cause("body")
    return None


def _content_type_error(routed_head: RoutedHead) -> ApiError | None:
    content_type = routed_head.headers.get("content-type", "")
    media_type = get_media_type(content_type)
    if media_type == "application/json" or media_type.endswith("+json"):
        return None
    detail = (
        f"Content-Type: expected application/json, received {truncate_text(content_type, 80) or 'nothing'}"
    )
    return ApiError("wrong_content_type", detail=detail, issues=(create_custom_issue(detail),)).with_cause(
        "body"
    )


def _key_error(routed_head: RoutedHead) -> ApiError | None:
    if routed_head.api_key:
        return None
    if routed_head.api_key is not None:
        return ApiError("invalid_key", detail="the API key is empty")
    key = routed_head.vendor.profile.keys[0]
    return ApiError("missing_key", detail=f"found no API key, expected the header {key.header}")


def _check_model(request: ChatRequest) -> None:
    """Check that the model is known and not retired, as far as the vendor has an error for that."""
    vendor, profile = request.vendor, request.vendor.profile
    if vendor.models[request.model].retired:
        raise _unavailable_error(request, profile.retired_model)
    if not vendor.serves(request.model, request.route.api):
        stated = find_wrong_api(request)
        if stated is not None:
            raise _unavailable_error(request, stated)
        model = truncate_text(request.model, 80)
        raise ApiError(
            "not_found", detail=f"{profile.title} does not serve {model!r} at {request.route.path}"
        )
    # If an unknown model is an invalid body for this vendor, the body rules report it.
    if (
        request.model
        and not vendor.has_model(request.model)
        and profile.unknown_model.kind != "invalid_request"
    ):
        raise _unavailable_error(request, profile.unknown_model)


def _unavailable_error(request: ChatRequest, unavailable: UnavailableSpec) -> ApiError:
    known = ", ".join(list_model_names(request)) or "none"
    model = truncate_text(request.model, 80)
    message = fill_optional_text(unavailable.message, {"model": model})
    detail = f"found the model {model!r}, expected one of {known}"
    return ApiError(unavailable.kind, message, detail=detail, code=unavailable.code)


def _check_body(request: ChatRequest) -> None:
    """Check the body against the rules of every chat request, the vendor and the model."""
    if request.parsed.error:
        raise _invalid_body_error([create_custom_issue(request.parsed.error_detail)])
    issues = find_body_issues(request)
    if not issues and request.route.api == "embeddings":
        _raise_if_error(find_token_limit_error(request))
    rejected = request.vendor.profile.rejected_value
    if issues and rejected is not None and all(map(_is_rejected_value, issues)):
        raise _rejected_value_error(rejected, issues)
    if issues:
        raise _invalid_body_error(issues)
    if request.route.api == "responses":
        refuse_unserved_features(request)
    _check_roles(request)


def _check_roles(request: ChatRequest) -> None:
    """Check that the model supports every role in the messages."""
    message = request.vendor.unsupported_role(
        request.model, (message["role"] for message in request.parsed.messages)
    )
    if message is not None:
        raise ApiError("invalid_request", message).with_cause("body")


def _invalid_body_error(issues: list[Issue]) -> ApiError:
    # Some vendors report an unknown model as an invalid body.
    is_model_unknown = all(
        issue["code"] == "invalid_enum_value" and issue["path"] == ["model"] for issue in issues
    )
    cause: ErrorCause = "refusal" if is_model_unknown else "body"
    return ApiError("invalid_request", detail=format_issues(issues), issues=tuple(issues)).with_cause(cause)


def _is_rejected_value(issue: Issue) -> bool:
    """Return whether an issue is about the value of a parameter: not about a missing field, the model or a message."""
    path = issue["path"]
    return bool(path) and path[0] not in ("model", "messages") and issue.get("received") != "undefined"


def _rejected_value_error(rejected: RejectedValueSpec, issues: list[Issue]) -> ApiError:
    detail = format_issues(issues)
    message = fill_optional_text(rejected.message, {"detail": detail})
    error = ApiError("invalid_request", message, detail=detail, issues=tuple(issues))
    error.status = rejected.status
    return error


_HEAD_CHECKS = {"content_type": _content_type_error, "key": _key_error}
_BODY_CHECKS = {"model": _check_model, "body": _check_body}
_AUX_CHECKS = ("key",)  # requests to auxiliary endpoints have no body to check
