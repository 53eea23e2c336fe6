"""What can go wrong.

SyncKairosError
└── ApiError          the service answered with an error; `status` is HTTP's
    └── Unreachable   there was no answer of its at all; `status` is 0
"""

from typing import Any


class SyncKairosError(Exception):
    """Base of everything that this library raises on purpose."""


class ApiError(SyncKairosError):
    """An answer other than the one that was asked for; `code` is the API's."""

    def __init__(
        self,
        status: int,
        code: str = "UNKNOWN",
        message: str = "The request failed",
        *,
        details: Any = None,
        request_id: str | None = None,
        retry_after_s: float = 0.0,
        requests_left: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.request_id = request_id
        self.retry_after_s = retry_after_s
        """How long the service asks to be left alone."""

        self.requests_left = requests_left
        """Of the caller's rate limit."""

    @property
    def is_refusal(self) -> bool:
        """Whether asking again as the same caller would change nothing."""
        return 400 <= self.status < 500 and self.status not in (404, 408, 429)

    @property
    def is_absence(self) -> bool:
        """Whether it is the service that knows no such session; a gateway's 404 tells nothing."""
        return self.code == "SESSION_NOT_FOUND"


class Unreachable(ApiError):
    """Nothing answered, or nothing in time."""

    def __init__(self, message: str = "The service can't be reached") -> None:
        super().__init__(0, "UNREACHABLE", message)
