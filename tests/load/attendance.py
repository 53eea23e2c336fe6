"""Who listens where, and what was heard."""

from array import array
from dataclasses import dataclass, field
from typing import NamedTuple


class Seat(NamedTuple):
    """A socket at an instance, for the session of that number."""

    port: int
    session: int
    session_id: str


@dataclass
class Attendance:
    """What all sockets of one process heard; one push of each to `pushes` and `heard_s`."""

    heard_s: "array[float]" = field(default_factory=lambda: array("d"))
    pushes: "array[int]" = field(default_factory=lambda: array("Q"))
    missed: int = 0
    repeated: int = 0
    lost: int = 0


def push_key(session: int, version: int) -> int:
    """One number for a version of a session."""
    return session << 32 | version
