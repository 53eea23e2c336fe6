"""What a caller can be told that is not a `Refusal` of the domain, with its status and code.

ServiceError
├── Unauthenticated        401   with `WWW-Authenticate`
├── Forbidden              403   the session may be read, but not that
├── RateLimitExceeded      429   with `Retry-After`
│   └── TooMuchHeld              the owner of the session holds as much as it may at once
│       ├── TooManySessions      of live sessions
│       ├── TooMuchKept          of bytes in the store
│       ├── TooMuchLoad          of changes that come without a command
│       └── TooMuchWritten       of bytes written in a minute
├── NothingHere            404   no endpoint has this address
├── MethodNotAllowed       405   with `Allow`
├── SessionNotFound        404
├── SessionExists          409
├── VersionConflict        409   too many concurrent changes
├── VersionUnknown         404   the audit trail has no such version
├── PreconditionFailed     412   `If-Match` names an older version
├── IdempotencyKeyReused   422   the same key with another request
├── PayloadTooLarge        413
├── UnsupportedMediaType   415   with `Accept`
├── UnsupportedContentCoding 415 with `Accept-Encoding`
└── StoreUnavailable       503   with `Retry-After`
    └── AuditUnavailable         the same, of the audit trail
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


class ServiceError(Exception):
    """An answer other than the one asked for. `details` and `headers` go to the caller, and so do
    the fields that stand `beside` the code."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "INTERNAL_ERROR"
    beside: Mapping[str, Any] = {}

    def __init__(
        self, message: str, details: Any = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.details = details
        self.headers = dict(headers or {})


class Unauthenticated(ServiceError):
    """RFC 6750 §3: no token, or one that is not good here; `reason` says what is wrong with it."""

    status = 401
    code = "UNAUTHENTICATED"

    def __init__(self, reason: str | None = None) -> None:
        message = reason or "Send a token: Authorization: Bearer <token>"
        invalid = f' error="invalid_token", error_description="{reason}"' if reason else ""
        super().__init__(message, headers={"WWW-Authenticate": f"Bearer{invalid}"})


class Forbidden(ServiceError):
    """RFC 6750 §3.1: the caller may know of the session, but may not do this."""

    status = 403
    code = "FORBIDDEN"

    def __init__(self, message: str) -> None:
        super().__init__(message, headers={"WWW-Authenticate": 'Bearer error="insufficient_scope"'})


class RateLimitExceeded(ServiceError):
    """RFC 6585 §4: too much in too short a time, by one caller or of one session."""

    status = 429
    code = "RATE_LIMIT_EXCEEDED"

    def __init__(self, message: str, retry_after_s: int, details: Any = None) -> None:
        super().__init__(message, details, {"Retry-After": str(retry_after_s)})
        self.beside = {"retry_after_seconds": retry_after_s}


class TooMuchHeld(RateLimitExceeded):
    """The owner of the session holds as much of something as it may at once."""


class TooManySessions(TooMuchHeld):
    """As many sessions of the caller are live as it may have at once."""

    def __init__(self, most: int) -> None:
        message = f"You have {most} live sessions, which is the most; end or delete one first"
        super().__init__(message, 60, {"max_sessions": most})


class TooMuchKept(TooMuchHeld):
    """What is kept of the owner's sessions would have more bytes than it may have."""

    def __init__(self, most: int) -> None:
        message = (
            f"What is kept of your sessions would take more than {most} bytes, which is the most;"
            " delete some, or wait: ended sessions and answers to requests with an Idempotency-Key"
            " are kept for 24 hours"
        )
        super().__init__(message, 60, {"max_bytes": most})


class TooMuchLoad(TooMuchHeld):
    """The owner's running sessions would advance by themselves more often than they may."""

    def __init__(self, most: int) -> None:
        message = (
            f"Your running sessions would advance by themselves too often: the sum of participants"
            f" (at least 8 a session) times automatic changes a second cannot exceed {most};"
            " pause or end one first, or make cycles longer"
        )
        super().__init__(message, 60, {"max_automatic_load": most})


class TooMuchWritten(TooMuchHeld):
    """The owner's sessions have had as many bytes written in this minute as they may."""

    def __init__(self, most: int) -> None:
        message = (
            f"Your sessions would have more than {most} bytes written in a minute, which is the"
            " most; change large ones less often"
        )
        super().__init__(message, 60, {"max_written_bytes_per_minute": most})


class NothingHere(ServiceError):
    """No endpoint has the address of the request."""

    status = 404
    code = "NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("There is nothing at this address")


class MethodNotAllowed(ServiceError):
    """RFC 9110 section 15.5.6: the address takes only the methods that are `allowed`."""

    status = 405
    code = "METHOD_NOT_ALLOWED"

    def __init__(self, allowed: Sequence[str]) -> None:
        listed = ", ".join(allowed)
        super().__init__(f"Method not allowed: use {listed}", headers={"Allow": listed})


class SessionNotFound(ServiceError):
    """No such session, or none that this caller may know of."""

    status = 404
    code = "SESSION_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("Session not found")


class SessionDeleted(SessionNotFound):
    """There was one, and its id never names another: callers are told the same as of none."""


class VersionUnknown(ServiceError):
    """The session is there, or was, but the audit trail holds nothing of it there."""

    status = 404
    code = "NOT_FOUND"

    def __init__(self, message: str) -> None:
        super().__init__(message)


class SessionExists(ServiceError):
    """The id of a session to be created is taken; the existing session is untouched.

    An id names one session for good, deleted or not: its versions are its audit trail.
    """

    status = 409
    code = "SESSION_EXISTS"

    def __init__(self) -> None:
        super().__init__("A session with this session_id exists or has existed")


class VersionConflict(ServiceError):
    """Others kept changing the session for longer than we were willing to try."""

    status = 409
    code = "CONFLICT"

    def __init__(self, expected: int, actual: int) -> None:
        details = {"expected_version": expected, "actual_version": actual}
        super().__init__("The session was changed by others at the same time; try again", details)


class PreconditionFailed(ServiceError):
    """RFC 9110 §13.1.1: `If-Match` names a version that is no longer the current one."""

    status = 412
    code = "PRECONDITION_FAILED"

    def __init__(self, actual: int) -> None:
        super().__init__("If-Match names another version", {"actual_version": actual})


class IdempotencyKeyReused(ServiceError):
    """IETF Idempotency-Key draft §2.6: the key came before, with another request."""

    status = 422
    code = "IDEMPOTENCY_KEY_REUSED"

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used for a different request")


class PayloadTooLarge(ServiceError):
    """The body is larger than any request needs to be."""

    status = 413
    code = "PAYLOAD_TOO_LARGE"

    def __init__(self) -> None:
        super().__init__("The body cannot exceed 1 MiB")


class UnsupportedMediaType(ServiceError):
    """The body is something other than JSON.

    RFC 9110 §15.5.16: `Accept` says which media type would have been taken.
    """

    status = 415
    code = "UNSUPPORTED_MEDIA_TYPE"

    def __init__(self) -> None:
        super().__init__(
            "Send the body as application/json", headers={"Accept": "application/json"}
        )


class UnsupportedContentCoding(ServiceError):
    """The body is compressed, or encoded otherwise.

    RFC 9110 §15.5.16: `Accept-Encoding` says which coding would have been taken.
    """

    status = 415
    code = "UNSUPPORTED_MEDIA_TYPE"

    def __init__(self) -> None:
        super().__init__(
            "Send the body without Content-Encoding: compressed bodies are not read",
            headers={"Accept-Encoding": "identity"},
        )


class StoreUnavailable(ServiceError):
    """Redis is away, or too slow; whether a change was made is unknown to the caller."""

    status = 503
    code = "STORE_UNAVAILABLE"

    def __init__(self, what: str = "The session store can't be reached right now") -> None:
        super().__init__(f"{what}; try again shortly", headers={"Retry-After": "1"})


class AuditUnavailable(StoreUnavailable):
    """The audit database is away, too slow, or not set up; only what needs history asks it.

    `reason` is for logs and `/ready`: it names no host and holds no secret. `answer` is the
    SQLSTATE or HTTP status that the database answered, if it answered.
    """

    def __init__(
        self,
        what: str = "The audit trail can't be reached right now",
        *,
        reason: str = "it can't be reached",
        answer: str | None = None,
    ) -> None:
        super().__init__(what)
        self.reason = reason
        self.answer = answer


class EntriesRefused(Exception):
    """The audit database won't have one of the entries; the message says why."""
