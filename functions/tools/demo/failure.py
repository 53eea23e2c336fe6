"""What ends the demo early."""

from synckairos import ApiError, Unreachable

GONE = "The service doesn't answer any more; the game can't go on."

_ADVICE = {
    "RATE_LIMIT_EXCEEDED": " Start it with RATE_LIMIT_GENERAL=0 and RATE_LIMIT_SWITCH=0: the demo"
    " plays an hour in a minute.",
    "UNAUTHENTICATED": " The demo has no token: start the service with AUTH_DISABLED=true.",
}


class DemoFailed(Exception):
    """The demo can't go on; the message is one sentence for the person at the terminal."""


def refusal(what: str, error: ApiError) -> DemoFailed:
    """Why the service didn't do what it was asked to."""
    if isinstance(error, Unreachable):
        return DemoFailed(GONE)
    advice = _ADVICE.get(error.code, "")
    return DemoFailed(f"The service refused to {what}: {error.code}, {error.message}.{advice}")
