"""Error of the demo, and its messages."""

from synckairos import ApiError, Unreachable

SERVICE_GONE = "The service no longer answers; the game can't continue."

_HINTS = {
    "RATE_LIMIT_EXCEEDED": " Start the service with RATE_LIMIT_GENERAL=0 and RATE_LIMIT_SWITCH=0,"
    " because the demo sends an hour's requests in a minute.",
    "UNAUTHENTICATED": " The demo sends no token. Start the service with AUTH_DISABLED=true.",
}


class DemoError(Exception):
    """The demo can't go on. The message is for the user."""


def refused_error(what: str, error: ApiError) -> DemoError:
    """Return the error for a request that the service refused; `what` is the action."""
    if isinstance(error, Unreachable):
        return DemoError(SERVICE_GONE)
    hint = _HINTS.get(error.code, "")
    return DemoError(f"The service refused to {what}: {error.code}, {error.message}.{hint}")
