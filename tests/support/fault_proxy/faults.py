"""Faults of a connection to a server."""

from dataclasses import dataclass
from enum import Enum, auto


class Direction(Enum):
    """The direction of data through the proxy."""

    TO_SERVER = auto()
    TO_CLIENT = auto()


class Loss(Enum):
    """How the proxy drops a reply that the server has sent."""

    RESET = auto()
    """Reset the connection instead."""
    SILENCE = auto()
    """Pass nothing more in either direction, not even the client's close."""


class Traffic(Enum):
    """Connections that a fault affects: those on which the client has sent this value."""

    ALL = b""
    SUBSCRIPTIONS = b"SUBSCRIBE"
    """Connections that subscribe to channels of Redis."""
    COMMANDS = b"TIME"
    """Connections that read: every read ends with the command TIME."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault of a proxy's connections; the default is none. All times in seconds."""

    name: str = "none"
    delay_s: float = 0.0
    """Delay of every chunk of data."""
    jitter_s: float = 0.0
    """Upper bound of a random delay added to `delay_s`; the order stays."""
    stalls: frozenset[Direction] = frozenset()
    """Directions in which data is held back until the fault ends."""
    blackholes: bool = False
    """Pass nothing more on existing connections, even after the fault has ended, and nothing on
    new ones until then: like a firewall that has lost its connection table."""
    resets: bool = False
    """Reset existing connections at once, and new ones as soon as data passes."""
    refuses: bool = False
    """Stop listening."""
    affects: Traffic = Traffic.ALL

    def blocks(self, direction: Direction) -> bool:
        """Whether no data passes in `direction`."""
        return self.blackholes or direction in self.stalls


NONE = Fault()
SLOW = Fault(name="slow", delay_s=0.05)
JITTERY = Fault(name="jittery", delay_s=0.01, jitter_s=0.2)
STALLED = Fault(name="stalled", stalls=frozenset(Direction))
REQUESTS_STALLED = Fault(name="requests-stalled", stalls=frozenset({Direction.TO_SERVER}))
REPLIES_STALLED = Fault(name="replies-stalled", stalls=frozenset({Direction.TO_CLIENT}))
BLACKHOLED = Fault(name="blackholed", blackholes=True)
RESET = Fault(name="reset", resets=True)
REFUSING = Fault(name="refusing", resets=True, refuses=True)
