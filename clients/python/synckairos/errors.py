"""The exceptions.

SyncKairosError
└── ApiError          the service answered with an error; `status` is the HTTP status
    └── Unreachable   the service did not answer; `status` is 0
"""

from synckairos.error_types import ErrorCode, ErrorDetails


class SyncKairosError(Exception):
    """Base of all exceptions of this library."""


class ApiError(SyncKairosError):
    """An error response. Its text also names the first field of a `VALIDATION_ERROR`."""

    def __init__(
        self,
        status: int,
        code: ErrorCode = "UNKNOWN",
        message: str | None = None,
        *,
        details: ErrorDetails | None = None,
        request_id: str | None = None,
        retry_after_s: float = 0.0,
        rate_limit_remaining: int | None = None,
    ) -> None:
        message = message or f"The request failed with status {status}"
        super().__init__(_with_first_field(message, details))
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.request_id = request_id
        self.retry_after_s = retry_after_s
        """The response's `Retry-After`, s; 0 if it had none."""

        self.rate_limit_remaining = rate_limit_remaining
        """The rest of the caller's rate limit; None if unknown."""

    @property
    def is_refusal(self) -> bool:
        """Whether a retry by the same caller is useless."""
        return 400 <= self.status < 500 and self.status not in (404, 408, 429)

    @property
    def is_absence(self) -> bool:
        """Whether the service itself says that there is no session (not a gateway's plain 404)."""
        return self.code == "SESSION_NOT_FOUND"


class Unreachable(ApiError):
    """No answer from the service, or none in time."""

    def __init__(self, message: str = "The service can't be reached") -> None:
        super().__init__(0, "UNREACHABLE", message)


def _with_first_field(message: str, details: ErrorDetails | None) -> str:
    """Return such as `Request validation failed: repeat is required`."""
    first = details[0] if isinstance(details, list) and details else None
    if not isinstance(first, dict) or first.get("message") in (None, message):
        return message
    return f"{message}: {first.get('field')} {first['message']}"
