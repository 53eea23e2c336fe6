"""Schemathesis's checks, some extended by rules that the OpenAPI document can't state.

`object_level_authorization` is left out, since it needs several identities:
tests/integration/test_rights.py tries every kind of caller on every route.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from schemathesis import Case, CheckContext, Response
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks as openapi

AnyCase = Case[Any]
_Check = Callable[[CheckContext, Response, AnyCase], bool | None]

_CODES_BEYOND_SCHEMA = {
    "duplicate",
    "empty_group",
    "not_allowed",
    "full",
    "not_rising",
    "one_of_three",
    "one_of_two",
    "too_deep",
    "too_large",
    "too_late",
    "too_soon",
    "invalid_character",
    "invalid_url",
    "unknown_participant",
    "unknown_item",
    "cut",
}
"""Error codes of rules on several fields or on a text's content, which JSON Schema can't state."""
_RULES_OF_BODIES = (
    "cannot ",
    "must have at least one ",
    "must have exactly one of ",
    "operations must ",
    "until_ms must ",
)
_LIKE_SESSIONS = ("/v1/sessions/batch", "/v1/sessions/batch-commands")
_ON_SESSIONS = ("GET", "PATCH", "DELETE")
_ON_PARTICIPANTS = ("PATCH", "DELETE")
_BANKS = ("total_time_ms", "set_ms")
_LIMITS_WITHOUT_CONTROL = ("must be at least 1000ms", "cannot exceed 86400000ms")
"""The limits of a bank depend on its time control; the schema has the widest ones."""
_REQUIRED_BY_MODE = "total_time_ms"
"""Required of participants who join, and of those whose group has no bank of its own."""


def positive_data_acceptance(ctx: CheckContext, response: Response, case: AnyCase) -> bool | None:
    """Valid requests are accepted, unless a rule beyond the schema refuses them.

    The schema can't state what the session's status, its version or an earlier use of the
    idempotency key allow, nor which fields go together. Ten wrong join codes end all guesses.
    """
    is_guess = case.path == "/v1/join" and response.status_code == 429
    if is_guess or is_refused_beyond_schema(response):
        return None
    return openapi.positive_data_acceptance(ctx, response, case)


def negative_data_rejection(ctx: CheckContext, response: Response, case: AnyCase) -> bool | None:
    """Invalid requests are refused, but query parameters of other names are ignored.

    A condition on metadata is a parameter of its own, so one with an invalid name is unknown. A
    version that has passed is refused before values that may be valid with the session's settings.
    """
    if response.status_code == 412:
        return None
    documented = {parameter.name for parameter in case.operation.query}
    query = urlsplit(response.request.url or "").query
    names = (name for name, _ in parse_qsl(query, keep_blank_values=True))
    if any(name.partition(".")[0] not in documented for name in names):
        return None
    return openapi.negative_data_rejection(ctx, response, case)


def is_refused_beyond_schema(response: Response) -> bool:
    """Return whether a request was refused for a reason that no schema can state."""
    if response.status_code in (412, 422):
        return True
    if response.status_code != 400:
        return False
    error = response.json()["error"]
    return error["code"] == "INVALID_STATE_TRANSITION" or all(
        map(_is_beyond_schema, error["details"])
    )


def _is_beyond_schema(detail: dict[str, str]) -> bool:
    match detail:
        case {"field": "body", "message": message}:
            return message.startswith(_RULES_OF_BODIES)
        case {"code": "missing", "field": field}:
            return field.endswith(_REQUIRED_BY_MODE)
        case {"field": "at", "code": "too_big"}:
            return True  # the instant is in the future
        case {"field": "expires_at", "code": "too_small"}:
            return True  # the instant is in the past
        case {"field": "participant_id", "code": "too_short", "message": message}:
            return message.startswith("is the last participant")
        case {"field": "ms" | "to", "code": "too_big"}:
            return True  # depends on the session's time, and on earlier advances
        case {"field": field, "code": "too_small", "message": message} if "warn_at_ms" in field:
            return message.endswith("without overtime")
        case {"field": "add_ms", "code": "too_small" | "too_big", "message": message}:
            return message.startswith("would leave ")  # depends on the clock
        case {"field": field, "code": "too_small" | "too_big", "message": message}:
            return field.endswith(_BANKS) and message in _LIMITS_WITHOUT_CONTROL
        case _:
            return detail["code"] in _CODES_BEYOND_SCHEMA


def use_after_free(ctx: CheckContext, response: Response, case: AnyCase) -> bool | None:
    """A deleted session is gone, except for its audit trail, which is kept for good."""
    if case.path.endswith(("/events", "/replay")):
        return None
    return openapi.use_after_free(ctx, response, case)


def ensure_resource_availability(
    ctx: CheckContext, response: Response, case: AnyCase
) -> bool | None:
    """A new session exists, though a participant or version that is asked for may not."""
    if response.status_code == 404 and response.json()["error"]["code"] != "SESSION_NOT_FOUND":
        return None
    return openapi.ensure_resource_availability(ctx, response, case)


def unsupported_method(ctx: CheckContext, response: Response, case: AnyCase) -> bool | None:
    """Undocumented methods are answered 405, unless another documented path matches.

    `GET /v1/sessions/batch` reads the session `batch` and is answered 400: that is no UUID. So are
    the other methods of a session, and `batch-commands`. `.../participants/a/forfeit` may be the
    participant `a/forfeit`; so it is with the other verbs.
    """
    method = response.request.method
    if case.path in _LIKE_SESSIONS and method in _ON_SESSIONS:
        assert response.status_code == 400
        return None
    if _may_be_participant(case.path) and method in _ON_PARTICIPANTS:
        assert 400 <= response.status_code < 500
        return None
    return openapi.unsupported_method(ctx, response, case)


def allow_header_conformance(ctx: CheckContext, response: Response, case: AnyCase) -> bool | None:
    """`Allow` names the documented methods, and those of another path that matches too.

    `/v1/sessions/batch` also is the session `batch`, and `.../participants/a/forfeit` also the
    participant `a/forfeit`.
    """
    if case.path in _LIKE_SESSIONS or _may_be_participant(case.path):
        return None
    return openapi.allow_header_conformance(ctx, response, case)


def _may_be_participant(path: str) -> bool:
    """Whether the end of the path, a verb, may be a part of a participant's id."""
    _, _, rest = path.partition("/participants/")
    return "/" in rest


CHECKS: list[_Check] = [
    not_a_server_error,
    openapi.status_code_conformance,
    openapi.content_type_conformance,
    openapi.response_headers_conformance,
    openapi.response_schema_conformance,
    negative_data_rejection,
    positive_data_acceptance,
    openapi.missing_required_header,
    unsupported_method,
    allow_header_conformance,
    use_after_free,
    ensure_resource_availability,
    openapi.ignored_auth,
]
