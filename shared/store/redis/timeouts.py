"""How long a caller waits for Redis."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Limits in seconds. With the defaults a caller gets its 503 within 2 s."""

    connect_s: float = 0.5
    """To connect, TLS included."""
    reply_s: float = 0.6
    """Without a byte while a reply is due, and for room to send."""
    ready_s: float = 0.8
    """For a connection that is logged in."""


DEFAULT = Timeouts()
