"""Rate limits that the store counts while it loads a session."""

from shared.domain.units import Millis
from shared.domain.values import Value


class RateLimit(Value, frozen=True):
    """A rate limit: at most `most` (1 or more) requests of `counter` within `window_ms`.

    The window slides approximately, because the counter doesn't store each instant.
    """

    counter: str
    most: int
    window_ms: Millis


class RateLimitState(Value, frozen=True):
    """State of a limit after one more request; requests above the limit are not counted.

    `retry_after_ms` is the time until the next request is allowed or, if it is allowed already,
    until the current window ends.
    """

    limit: RateLimit
    is_exceeded: bool
    remaining: int
    retry_after_ms: Millis
