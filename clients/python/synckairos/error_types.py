"""Types of the fields of an error response."""

from typing import Literal, NotRequired, TypedDict

ErrorCode = Literal[
    "VALIDATION_ERROR",
    "INVALID_STATE_TRANSITION",
    "UNAUTHENTICATED",
    "FORBIDDEN",
    "SESSION_NOT_FOUND",
    "PARTICIPANT_NOT_FOUND",
    "NOT_FOUND",
    "METHOD_NOT_ALLOWED",
    "REQUEST_TIMEOUT",
    "CONFLICT",
    "SESSION_EXISTS",
    "NOTHING_TO_UNDO",
    "NOTHING_SCHEDULED",
    "NOT_A_TEST_SESSION",
    "NOTHING_DUE",
    "PRECONDITION_FAILED",
    "PAYLOAD_TOO_LARGE",
    "UNSUPPORTED_MEDIA_TYPE",
    "IDEMPOTENCY_KEY_REUSED",
    "RATE_LIMIT_EXCEEDED",
    "REQUEST_HEADER_FIELDS_TOO_LARGE",
    "INTERNAL_ERROR",
    "STORE_UNAVAILABLE",
    "UNREACHABLE",
    "UNKNOWN",
]
"""The API's error codes (docs/api.md).

`UNREACHABLE`: the service did not answer; `UNKNOWN`: the response has no code, so it comes from a
proxy.
"""


class FieldError(TypedDict):
    """A wrong field, such as `participants.0.total_time_ms`; `message` goes on after its name."""

    field: str
    message: str
    code: str


class ScheduledCommand(TypedDict):
    """A command that was given ahead of time."""

    operation: str
    effective_at: str


class ErrorContext(TypedDict, total=False):
    """What a request conflicts with, or the limit that it would exceed; only what fits the code."""

    active_participant_id: str | None
    expected_version: int
    actual_version: int
    scheduled: ScheduledCommand
    max_sessions: int
    max_bytes: int
    max_automatic_load: int
    max_written_bytes_per_minute: int


ErrorDetails = list[FieldError] | ErrorContext
"""A list of wrong fields with `VALIDATION_ERROR`, else a dict."""


class ErrorFields(TypedDict):
    """An error as a part of an answer."""

    status: int
    code: ErrorCode
    message: str
    details: NotRequired[ErrorDetails]
    retry_after_seconds: NotRequired[int]
