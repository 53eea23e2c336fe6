"""Renders errors as responses with the error envelope (docs/api.md, Errors)."""

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import Response

from shared.application.errors import ServiceError
from shared.application.session_view import timestamp
from shared.domain.errors import (
    ActiveParticipant,
    AlreadyScheduled,
    InvalidTransition,
    NotActiveParticipant,
    NothingDue,
    NothingScheduled,
    NothingToUndo,
    NotTestSession,
    Refusal,
    RuleViolation,
    StaleVersion,
    UndoBlocked,
    UnknownParticipant,
    WrongRunState,
)
from shared.domain.units import Instant
from shared.http.inputs import RequestValidationError
from shared.http.validation_errors import MAX_DETAILS, error_details

_INVALID = ("VALIDATION_ERROR", "Request validation failed")


def error_response(
    request_id: str,
    status: int,
    code: str,
    message: str,
    details: Any = None,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Response:
    """Return a response with the error envelope; `more` fields are added next to the code."""
    error = {"code": code, "message": message, "request_id": request_id, **more}
    if details is not None:
        error["details"] = details
    body = msgspec.json.encode({"error": error})
    return Response(body, status, dict(headers or {}), media_type="application/json")


def render_error(error: Exception, request_id: str) -> Response:
    """Return the response to a service error, a domain refusal or invalid input."""
    if isinstance(error, RequestValidationError):
        details = error_details(error.errors)
        return error_response(request_id, 400, *_INVALID, details)
    if isinstance(error, ServiceError):
        return error_response(
            request_id,
            error.status,
            error.code,
            error.message,
            error.details,
            error.headers,
            **error.beside,
        )
    status, code, details = _refusal(error)
    return error_response(request_id, status, code, str(error), details)


def error_fields(error: ServiceError | Refusal) -> dict[str, Any]:
    """Return the fields of the error envelope, and the status, for one part of an answer."""
    if not isinstance(error, ServiceError):
        return {"status": _refusal(error)[0], **refusal_fields(error)}
    fields = {"status": error.status, "code": error.code, "message": error.message, **error.beside}
    return fields if error.details is None else {**fields, "details": error.details}


def refusal_fields(refusal: Refusal) -> dict[str, Any]:
    """Return the fields of the error envelope for a refusal, without the status."""
    _, code, details = _refusal(refusal)
    fields = {"code": code, "message": str(refusal)}
    return fields if details is None else {**fields, "details": details}


def _refusal(error: Exception) -> tuple[int, str, Any]:
    match error:
        case RuleViolation():
            violations = error.violations[:MAX_DETAILS]
            details = [{"field": v.field, "message": v.message, "code": v.code} for v in violations]
            return 400, "VALIDATION_ERROR", details
        case InvalidTransition() | WrongRunState():
            return 400, "INVALID_STATE_TRANSITION", None
        case UnknownParticipant():
            return 404, "PARTICIPANT_NOT_FOUND", None
        case NotActiveParticipant() | ActiveParticipant():
            return 409, "CONFLICT", {"active_participant_id": error.active_participant_id}
        case StaleVersion():
            versions = {"expected_version": error.expected, "actual_version": error.actual}
            return 409, "CONFLICT", versions
        case AlreadyScheduled():
            effective_at = timestamp(Instant(error.effective_at))
            scheduled = {"operation": error.operation, "effective_at": effective_at}
            return 409, "CONFLICT", {"scheduled": scheduled}
        case _ if code := _CONFLICTS.get(type(error)):
            return 409, code, None
        case _:
            raise error


_CONFLICTS: Mapping[type[Exception], str] = {
    NothingDue: "NOTHING_DUE",
    NothingScheduled: "NOTHING_SCHEDULED",
    NothingToUndo: "NOTHING_TO_UNDO",
    NotTestSession: "NOT_A_TEST_SESSION",
    UndoBlocked: "CONFLICT",
}
"""Codes of refusals that need no details."""
