"""How answers are judged: by every check there is, some of which know more than a schema says.

No check is left out. `object_level_authorization` has nothing to do with one identity alone:
tests/integration/test_rights.py tries every kind of caller on every route.
"""

from collections.abc import Callable
from typing import Any

from schemathesis import Case, CheckContext, Response
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks as openapi

AnyCase = Case[Any]
_Check = Callable[[CheckContext, Response, AnyCase], bool | None]

_BETWEEN_FIELDS = {
    "duplicate",
    "empty_group",
    "not_allowed",
    "one_of_two",
    "too_deep",
    "too_large",
    "invalid_character",
    "unknown_participant",
}
"""Rules on several fields together, or on what a text holds, which JSON Schema can't state."""
_NEEDED_BY_THE_MODE = "total_time_ms"
"""By one who joins, or whose group has no bank of its own."""


def positive_data_acceptance(ctx: CheckContext, response: Response, case: AnyCase) -> bool | None:
    """What the document calls valid is accepted, unless it is out of place.

    A schema says what a request looks like. It can't say what the session's status, its version or
    an earlier use of the key allow, nor which fields go together.
    """
    if is_out_of_place(response):
        return None
    return openapi.positive_data_acceptance(ctx, response, case)


def is_out_of_place(response: Response) -> bool:
    """Whether a request was refused for what it met, not for what it looks like."""
    if response.status_code in (412, 422):
        return True
    if response.status_code != 400:
        return False
    error = response.json()["error"]
    return error["code"] == "INVALID_STATE_TRANSITION" or all(
        map(_is_beyond_a_schema, error["details"])
    )


def _is_beyond_a_schema(fault: dict[str, str]) -> bool:
    match fault:
        case {"code": "missing", "field": field}:
            return field.endswith(_NEEDED_BY_THE_MODE)
        case {"field": "body", "message": message}:
            return message.startswith("cannot ")  # hold more than so much, or nested so deep
        case {"field": "at", "code": "too_big"}:
            return True  # No past yet.
        case _:
            return fault["code"] in _BETWEEN_FIELDS


def use_after_free(ctx: CheckContext, response: Response, case: AnyCase) -> bool | None:
    """What was deleted is gone, but not its story: the audit trail is kept for good."""
    if case.path.endswith(("/events", "/replay")):
        return None
    return openapi.use_after_free(ctx, response, case)


def ensure_resource_availability(
    ctx: CheckContext, response: Response, case: AnyCase
) -> bool | None:
    """A new session is there, whatever of it (a participant, a version) may not be."""
    if response.status_code == 404 and response.json()["error"]["code"] != "SESSION_NOT_FOUND":
        return None
    return openapi.ensure_resource_availability(ctx, response, case)


def unsupported_method(ctx: CheckContext, response: Response, case: AnyCase) -> bool | None:
    """What isn't documented is a 405, unless another documented address takes it.

    `GET /v1/sessions/batch` is a read of the session `batch`, which is a 400: it's no UUID.
    """
    if case.path == "/v1/sessions/batch" and response.request.method in ("GET", "DELETE"):
        assert response.status_code == 400
        return None
    return openapi.unsupported_method(ctx, response, case)


def allow_header_conformance(ctx: CheckContext, response: Response, case: AnyCase) -> bool | None:
    """`Allow` names the documented methods, at `batch` those of the other address too."""
    if case.path == "/v1/sessions/batch":
        return None
    return openapi.allow_header_conformance(ctx, response, case)


CHECKS: list[_Check] = [
    not_a_server_error,
    openapi.status_code_conformance,
    openapi.content_type_conformance,
    openapi.response_headers_conformance,
    openapi.response_schema_conformance,
    openapi.negative_data_rejection,
    positive_data_acceptance,
    openapi.missing_required_header,
    unsupported_method,
    allow_header_conformance,
    use_after_free,
    ensure_resource_availability,
    openapi.ignored_auth,
]
