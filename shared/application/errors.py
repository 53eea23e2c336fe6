"""Error responses other than a `Refusal` of the domain, with HTTP status and code.

ServiceError
├── Unauthenticated            401   with `WWW-Authenticate`
├── Forbidden                  403   the session may be read, but the operation isn't allowed
├── RateLimitExceeded          429   with `Retry-After`
│   └── OwnerLimitExceeded           the session's owner has reached a limit:
│       ├── SessionLimitExceeded     live sessions
│       ├── StorageLimitExceeded     bytes in the store
│       │   └── NoRoomToJoin             the same, for a person who joins with a code
│       ├── LoadLimitExceeded        automatic changes
│       └── WriteLimitExceeded       bytes written in a minute
├── EndpointNotFound           404   no endpoint has this path
├── MethodNotAllowed           405   with `Allow`
├── SessionNotFound            404
│   └── SessionDeleted               the same response
├── VersionNotFound            404   the audit trail has no such version
├── WebhookNotFound            404
├── JoinCodeNotFound           404   unknown, closed, expired or used up
├── SessionExists              409
├── WebhookConflict            409   too many webhooks, or changed by others at the same time
├── ApiKeyConflict             409   too many API keys, or the one with this id is in use
├── TooManyRevocations         409   too many tokens of a session were revoked one by one
├── ParticipantTaken           409   someone else has joined as this participant
├── VersionConflict            409   too many concurrent changes
├── PreconditionFailed         412   `If-Match` names an older version
├── PayloadTooLarge            413
├── UnsupportedMediaType       415   with `Accept`
├── UnsupportedContentCoding   415   with `Accept-Encoding`
├── IdempotencyKeyReused       422   the same key with another request
└── StoreUnavailable           503   with `Retry-After`
    └── AuditUnavailable             the same for the audit trail
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from shared.domain.errors import Violation


class ServiceError(Exception):
    """An error response, with `headers`, and with `details` and further fields `beside` the code.

    A subclass sets the defaults of the `message` and the `headers`.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "INTERNAL_ERROR"
    message: str
    headers: Mapping[str, str] = {}
    beside: Mapping[str, Any] = {}

    def __init__(
        self,
        message: str | None = None,
        details: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.message = message or self.message
        self.details = details
        self.headers = headers or self.headers
        super().__init__(self.message)


class Unauthenticated(ServiceError):
    """RFC 6750 section 3: no token, or an invalid one; `reason` says why it is invalid."""

    status = 401
    code = "UNAUTHENTICATED"

    def __init__(self, reason: str | None = None) -> None:
        message = reason or "Send a token: Authorization: Bearer <token>"
        invalid = f' error="invalid_token", error_description="{reason}"' if reason else ""
        super().__init__(message, headers={"WWW-Authenticate": f"Bearer{invalid}"})


class Forbidden(ServiceError):
    """RFC 6750 section 3.1: the caller may read the session, but may not do this.

    `violations` name the fields that the caller may not send, or not with this value.
    """

    status = 403
    code = "FORBIDDEN"

    def __init__(self, message: str, *violations: Violation) -> None:
        headers = {"WWW-Authenticate": 'Bearer error="insufficient_scope"'}
        super().__init__(message, list(violations) or None, headers)


class RateLimitExceeded(ServiceError):
    """RFC 6585 section 4: too many requests of one caller, or switches of one session."""

    status = 429
    code = "RATE_LIMIT_EXCEEDED"

    def __init__(self, message: str, retry_after_s: int, details: Any = None) -> None:
        super().__init__(message, details, {"Retry-After": str(retry_after_s)})
        self.beside = {"retry_after_seconds": retry_after_s}


class OwnerLimitExceeded(RateLimitExceeded):
    """The owner of the session would exceed one of its limits."""


class SessionLimitExceeded(OwnerLimitExceeded):
    """The caller has the maximum number of live sessions."""

    def __init__(self, most: int) -> None:
        message = f"You have the maximum of {most} live sessions; end or delete one first"
        super().__init__(message, 60, {"max_sessions": most})


class StorageLimitExceeded(OwnerLimitExceeded):
    """The owner's sessions would take too many bytes in the store."""

    def __init__(self, most: int) -> None:
        message = (
            f"Your sessions would exceed the maximum of {most} stored bytes; delete some, or wait:"
            " ended sessions and answers to requests with an Idempotency-Key are kept for 24 hours"
        )
        super().__init__(message, 60, {"max_bytes": most})


class NoRoomToJoin(StorageLimitExceeded):
    """A join would exceed the bytes of the session's owner, who isn't the caller."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.message = (
            "The host of this session has reached its maximum of stored bytes, so nobody can join"
            " now; the host can delete sessions"
        )


class LoadLimitExceeded(OwnerLimitExceeded):
    """The owner's running sessions would exceed its maximum of automatic load."""

    def __init__(self, most: int) -> None:
        message = (
            f"Your running sessions would change automatically too often: the sum of participants"
            f" (at least 8 a session) times automatic changes a second cannot exceed {most};"
            " pause or end one first, or make cycles longer"
        )
        super().__init__(message, 60, {"max_automatic_load": most})


class WriteLimitExceeded(OwnerLimitExceeded):
    """The owner's sessions would have too many bytes written in one minute."""

    def __init__(self, most: int) -> None:
        message = (
            f"Your sessions would exceed the maximum of {most} bytes written in a minute;"
            " change large sessions less often"
        )
        super().__init__(message, 60, {"max_written_bytes_per_minute": most})


class EndpointNotFound(ServiceError):
    """The path of the request belongs to no endpoint."""

    status = 404
    code = "NOT_FOUND"
    message = "There is nothing at this address"


class MethodNotAllowed(ServiceError):
    """RFC 9110 section 15.5.6: the path supports only the `allowed` methods."""

    status = 405
    code = "METHOD_NOT_ALLOWED"

    def __init__(self, allowed: Sequence[str]) -> None:
        listed = ", ".join(allowed)
        super().__init__(f"Method not allowed: use {listed}", headers={"Allow": listed})


class SessionNotFound(ServiceError):
    """There is no such session, or the caller may not know of it."""

    status = 404
    code = "SESSION_NOT_FOUND"
    message = "Session not found"


class SessionDeleted(SessionNotFound):
    """The session was deleted. The response is the same as for `SessionNotFound`."""


class VersionNotFound(ServiceError):
    """The audit trail has no such version of the session, or nothing at that instant."""

    status = 404
    code = "NOT_FOUND"


class WebhookNotFound(ServiceError):
    """The tenant has no webhook with this id."""

    status = 404
    code = "NOT_FOUND"
    message = "There is no webhook with this id"


class WebhookConflict(ServiceError):
    """The tenant has the maximum number of webhooks, or this one was changed or switched off."""

    status = 409
    code = "CONFLICT"


class ApiKeyConflict(ServiceError):
    """The tenant has the maximum number of API keys, or the one with this id is in use."""

    status = 409
    code = "CONFLICT"


class TooManyRevocations(ServiceError):
    """Too many tokens of the session were revoked one by one within a day."""

    status = 409
    code = "CONFLICT"
    message = "Too many tokens of this session were revoked one by one; revoke all of them"


class JoinCodeNotFound(ServiceError):
    """No open code has these letters, or the session has none. The reason isn't told."""

    status = 404
    code = "NOT_FOUND"
    message = "There is no open join code like this"


class ParticipantTaken(ServiceError):
    """Someone else has joined as this participant with the same code."""

    status = 409
    code = "CONFLICT"
    message = "Someone else has joined as this participant; choose another"


class SessionExists(ServiceError):
    """The id of a new session is in use, or was; the existing session is unchanged.

    Ids of deleted sessions can't be used again, because the audit trail refers to them.
    """

    status = 409
    code = "SESSION_EXISTS"
    message = "A session with this session_id exists or has existed"


class VersionConflict(ServiceError):
    """Concurrent changes superseded every attempt to change the session."""

    status = 409
    code = "CONFLICT"

    def __init__(self, expected: int, actual: int) -> None:
        details = {"expected_version": expected, "actual_version": actual}
        super().__init__("The session was changed by others at the same time; try again", details)


class PreconditionFailed(ServiceError):
    """RFC 9110 section 13.1.1: `If-Match` doesn't include the current version."""

    status = 412
    code = "PRECONDITION_FAILED"

    def __init__(self, actual: int) -> None:
        super().__init__("If-Match names another version", {"actual_version": actual})


class IdempotencyKeyReused(ServiceError):
    """IETF Idempotency-Key draft section 2.6: the key was used with a different request."""

    status = 422
    code = "IDEMPOTENCY_KEY_REUSED"
    message = "This Idempotency-Key was used for a different request"


class PayloadTooLarge(ServiceError):
    """The body is too large."""

    status = 413
    code = "PAYLOAD_TOO_LARGE"
    message = "The body cannot exceed 1 MiB"


class UnsupportedMediaType(ServiceError):
    """The body isn't JSON. `Accept` names the accepted media type (RFC 9110 section 15.5.16)."""

    status = 415
    code = "UNSUPPORTED_MEDIA_TYPE"
    message = "Send the body as application/json"
    headers: Mapping[str, str] = {"Accept": "application/json"}


class UnsupportedContentCoding(ServiceError):
    """The body is compressed, or has another content coding.

    `Accept-Encoding` names the accepted coding (RFC 9110 section 15.5.16).
    """

    status = 415
    code = "UNSUPPORTED_MEDIA_TYPE"
    message = "Send the body without Content-Encoding: compressed bodies are not read"
    headers: Mapping[str, str] = {"Accept-Encoding": "identity"}


class StoreUnavailable(ServiceError):
    """Redis is down or too slow. A requested change may have been made or not."""

    status = 503
    code = "STORE_UNAVAILABLE"

    def __init__(self, what: str = "The session store can't be reached right now") -> None:
        super().__init__(f"{what}; try again shortly", headers={"Retry-After": "1"})


class AuditUnavailable(StoreUnavailable):
    """The audit database is down, too slow or not configured.

    `reason` is for logs and `/ready`; it contains no host name or secret. `answer` is the SQLSTATE
    or HTTP status of the database's response, if there was one.
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


class AuditKeyRefused(AuditUnavailable):
    """The Supabase project refuses the key, until an operator sets a valid one."""

    def __init__(self) -> None:
        super().__init__(reason="it refuses SUPABASE_SERVICE_ROLE_KEY (401)", answer="401")


class EntriesRefused(Exception):
    """The audit database refuses one of the entries; the message says why."""
