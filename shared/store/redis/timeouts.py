"""Timeouts for Redis."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Timeouts in seconds. With the defaults, a caller gets a 503 within 2 s of an outage."""

    connect_s: float = 0.5
    """For connecting, including TLS."""
    reply_s: float = 0.6
    """Without an incoming byte while a reply is due; for logging in; for room to send."""
    ready_s: float = 0.8
    """For a caller that waits until a logged-in connection is available."""


DEFAULT = Timeouts()
