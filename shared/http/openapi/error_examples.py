"""Examples of all errors, made of the exceptions and by the code that render real ones."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shared.application import errors as service
from shared.domain import errors as domain
from shared.http.error_responses import error_response, render_error
from shared.http.openapi.examples import operation_name

_REQUEST_ID = "b3c1f0a4-7d52-4a5e-9d0e-2f6a8c1b5e77"
_INSTANT = 1_769_851_805_123


@dataclass(frozen=True, slots=True)
class ErrorExample:
    """An error, and where it is shown: at `operations`, by default at all whose path has `path`.

    It is shown only where its status is documented. Several errors may have the same code; `name`
    tells them apart.
    """

    name: str
    error: Exception
    operations: frozenset[str] = frozenset()
    path: str = ""

    def content(self) -> tuple[int, dict[str, Any]]:
        """Return the status and the body of the response."""
        response = render_error(self.error, _REQUEST_ID)
        return response.status_code, json.loads(bytes(response.body))

    def belongs_to(self, operation: str, path: str) -> bool:
        """Return whether the operation at this path can return the error."""
        return operation in self.operations if self.operations else self.path in path


_SESSION = "{session_id}"
_INDIVIDUAL = frozenset(
    {
        "begin",
        "begin_participant",
        "finish_participant",
        "reopen_participant",
        "pause_participant",
        "resume_participant",
    }
)
_NAMING = _INDIVIDUAL | {"update_participant", "remove_participant", "forfeit", "issue_token"}
_SCHEDULABLE = frozenset({"start", "pause", "resume", "complete", "adjust"})


def _only(operation: str) -> frozenset[str]:
    return frozenset({operation})


ERRORS: Sequence[ErrorExample] = (
    ErrorExample(
        "VALIDATION_ERROR",
        domain.RuleViolation(
            domain.Violation("participants.0.total_time_ms", "must be at least 1000ms", "too_small")
        ),
    ),
    ErrorExample(
        "INVALID_STATE_TRANSITION",
        domain.InvalidTransition("is not running", "pending"),
        path=_SESSION,
    ),
    ErrorExample(
        "INVALID_STATE_TRANSITION_OF_PARTICIPANT",
        domain.WrongRunState("ada", "has not begun", "not_begun"),
        _INDIVIDUAL,
    ),
    ErrorExample("UNAUTHENTICATED", service.Unauthenticated()),
    ErrorExample("FORBIDDEN", service.Forbidden("A spectator can't do that: switch")),
    ErrorExample(
        "FORBIDDEN_FIELD",
        service.Forbidden(
            "A participant can't change the session's metadata",
            domain.Violation("metadata", "is for hosts, cohosts and services only", "not_allowed"),
        ),
        _only("begin"),
    ),
    ErrorExample("SESSION_NOT_FOUND", service.SessionNotFound(), path=_SESSION),
    ErrorExample("PARTICIPANT_NOT_FOUND", domain.UnknownParticipant("ada"), _NAMING),
    ErrorExample(
        "VERSION_NOT_FOUND",
        service.VersionNotFound("This session has no such version"),
        _only("replay"),
    ),
    ErrorExample("WEBHOOK_NOT_FOUND", service.WebhookNotFound(), path="{webhook_id}"),
    ErrorExample("CONFLICT", service.VersionConflict(7, 8), path=_SESSION),
    ErrorExample(
        "CONFLICT_OF_ACTIVE_PARTICIPANT", domain.NotActiveParticipant("ben"), _only("switch")
    ),
    ErrorExample(
        "CONFLICT_OF_REMOVAL", domain.ActiveParticipant("ada"), _only("remove_participant")
    ),
    ErrorExample("CONFLICT_OF_VERSION", domain.StaleVersion(7, 8), _only("undo")),
    ErrorExample("CONFLICT_OF_UNDO", domain.UndoBlocked(), _only("undo")),
    ErrorExample(
        "CONFLICT_OF_SCHEDULED_COMMAND", domain.AlreadyScheduled("pause", _INSTANT), _SCHEDULABLE
    ),
    ErrorExample(
        "CONFLICT_OF_WEBHOOK",
        service.WebhookConflict("There are 10 webhooks already; delete one first"),
        path="/v1/webhooks",
    ),
    ErrorExample("SESSION_EXISTS", service.SessionExists(), _only("create")),
    ErrorExample("NOTHING_TO_UNDO", domain.NothingToUndo(), _only("undo")),
    ErrorExample("NOTHING_SCHEDULED", domain.NothingScheduled(), _only("unschedule")),
    ErrorExample("NOT_A_TEST_SESSION", domain.NotTestSession(), _only("advance")),
    ErrorExample("NOTHING_DUE", domain.NothingDue(), _only("advance")),
    ErrorExample("PRECONDITION_FAILED", service.PreconditionFailed(8)),
    ErrorExample("PAYLOAD_TOO_LARGE", service.PayloadTooLarge()),
    ErrorExample("UNSUPPORTED_MEDIA_TYPE", service.UnsupportedMediaType()),
    ErrorExample("UNSUPPORTED_CONTENT_CODING", service.UnsupportedContentCoding()),
    ErrorExample("IDEMPOTENCY_KEY_REUSED", service.IdempotencyKeyReused()),
    ErrorExample("RATE_LIMIT_EXCEEDED", service.RateLimitExceeded("Too many requests", 12)),
    ErrorExample("TOO_MANY_SESSIONS", service.SessionLimitExceeded(1_000), _only("create")),
    ErrorExample("STORE_UNAVAILABLE", service.StoreUnavailable()),
    ErrorExample("AUDIT_UNAVAILABLE", service.AuditUnavailable(), frozenset({"events", "replay"})),
)

ON_ALL_PATHS: Sequence[tuple[int, str, str]] = (
    (404, "NOT_FOUND", service.EndpointNotFound.message),
    (405, "METHOD_NOT_ALLOWED", "Method not allowed: use OPTIONS, POST"),
    (408, "REQUEST_TIMEOUT", "The body took too long to arrive"),
    (431, "REQUEST_HEADER_FIELDS_TOO_LARGE", "The headers are too large"),
    (500, "INTERNAL_ERROR", "Internal server error"),
)
"""Errors that depend on no operation: status, code and message."""


def add_error_examples(document: dict[str, Any]) -> None:
    """Add the examples to the components of the document, and to the responses that show them."""
    components = document["components"].setdefault("examples", {})
    for status, code, message in ON_ALL_PATHS:
        response = error_response(_REQUEST_ID, status, code, message)
        components[code] = _example(status, json.loads(bytes(response.body)))
    for example in ERRORS:
        status, body = example.content()
        components[example.name] = _example(status, body)
        for path, operations in document["paths"].items():
            for operation in operations.values():
                response = operation["responses"].get(str(status))
                if response and example.belongs_to(operation_name(operation), path):
                    shown = response["content"]["application/json"].setdefault("examples", {})
                    shown[example.name] = {"$ref": f"#/components/examples/{example.name}"}


def _example(status: int, body: dict[str, Any]) -> dict[str, Any]:
    error = body["error"]
    return {"summary": f"{status} {error['code']}: {error['message']}", "value": body}
