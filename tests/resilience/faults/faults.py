"""What can go wrong on the way to a server."""

from dataclasses import dataclass
from enum import Enum, auto


class Way(Enum):
    """The direction in which data goes."""

    THERE = auto()
    """From the client to the server."""
    BACK = auto()


class Loss(Enum):
    """How a reply gets lost, once the server has sent it."""

    RESET = auto()
    """The connection is reset in its place."""
    SILENCE = auto()
    """Nothing comes any more, and nothing that the client says arrives, not even its leaving."""


class Traffic(Enum):
    """Which connections suffer: those on which somebody says this."""

    ALL = b""
    SUBSCRIPTIONS = b"SUBSCRIBE"
    """To channels of Redis."""
    COMMANDS = b"TIME"
    """Behind everything that is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One way to fail; the default is to work well. All times in seconds."""

    name: str = "none"
    delay_s: float = 0.0
    """Every piece of data waits that long."""
    jitter_s: float = 0.0
    """Every piece waits up to that long on top; the order stays."""
    stalls: frozenset[Way] = frozenset()
    """The ways on which nothing passes; it is held, and goes on when the fault has ended."""
    strands: bool = False
    """Whether who is connected is never heard again, even when the fault has ended; meanwhile
    nothing passes on new connections. So does a firewall that has forgotten its connections."""
    resets: bool = False
    """Whether connections are reset: those that there are at once, new ones as they come."""
    refuses: bool = False
    """Whether nobody listens, besides."""
    of: Traffic = Traffic.ALL

    def holds(self, way: Way) -> bool:
        """Whether nothing passes there."""
        return self.strands or way in self.stalls


NONE = Fault()
SLOW = Fault(name="slow", delay_s=0.05)
JITTERY = Fault(name="jittery", delay_s=0.01, jitter_s=0.2)
STALLED = Fault(name="stalled", stalls=frozenset(Way))
DEAF = Fault(name="deaf", stalls=frozenset({Way.THERE}))
MUTE = Fault(name="mute", stalls=frozenset({Way.BACK}))
STRANDED = Fault(name="stranded", strands=True)
RESET = Fault(name="reset", resets=True)
REFUSING = Fault(name="refusing", resets=True, refuses=True)
