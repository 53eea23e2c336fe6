"""The exceptions.

SyncKairosError
└── ApiError          the service answered with an error; `status` is the HTTP status
    └── Unreachable   the service did not answer; `status` is 0
"""

from typing import Any


class SyncKairosError(Exception):
    """Base of all exceptions of this library."""


class ApiError(SyncKairosError):
    """An error response; `code` is the API's error code."""

    def __init__(
        self,
        status: int,
        code: str = "UNKNOWN",
        message: str | None = None,
        *,
        details: Any = None,
        request_id: str | None = None,
        retry_after_s: float = 0.0,
        rate_limit_remaining: int | None = None,
    ) -> None:
        message = message or f"The request failed with status {status}"
        super().__init__(message)
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
