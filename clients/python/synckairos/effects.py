"""What a follower wants done."""

from dataclasses import dataclass

from synckairos.events import Event


@dataclass(frozen=True, slots=True)
class Emit:
    """Tell of `event`."""

    event: Event


@dataclass(frozen=True, slots=True)
class Read:
    """Read the session over HTTP, and report what came of it with `read_*`."""


@dataclass(frozen=True, slots=True)
class Ping:
    """Have the transport ask which version is the newest."""


@dataclass(frozen=True, slots=True)
class Resync:
    """Have the transport send the whole state."""


@dataclass(frozen=True, slots=True)
class Reconnect:
    """Have the transport made anew: it is dead, whatever it believes."""


Effect = Emit | Read | Ping | Resync | Reconnect
