"""The effects that a `SessionLogic` asks its caller to carry out."""

from dataclasses import dataclass

from synckairos.events import Event


@dataclass(frozen=True, slots=True)
class Emit:
    """Emit `event` to the application."""

    event: Event


@dataclass(frozen=True, slots=True)
class Read:
    """Read the session over HTTP and report the result with `read_*`."""


@dataclass(frozen=True, slots=True)
class Ping:
    """Ask the server, through the transport, for its newest version."""


@dataclass(frozen=True, slots=True)
class Resync:
    """Ask the server, through the transport, for the whole state."""


@dataclass(frozen=True, slots=True)
class Reconnect:
    """Replace the connection: it no longer responds."""


Effect = Emit | Read | Ping | Resync | Reconnect
