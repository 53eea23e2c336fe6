"""Subscriptions of sockets, and the pushes that they received."""

from array import array
from dataclasses import dataclass, field
from typing import NamedTuple


class Subscription(NamedTuple):
    """A socket to open: the instance's port, the number and the id of the session.

    It asks for `differences` of states (docs/realtime.md) or gets whole states.
    """

    port: int
    session: int
    session_id: str
    differences: bool = False


@dataclass
class SubscriberResults:
    """Results of all sockets of one process.

    `push_keys` and `received_s` (monotonic seconds) have one item per received push.
    """

    received_s: "array[float]" = field(default_factory=lambda: array("d"))
    push_keys: "array[int]" = field(default_factory=lambda: array("Q"))
    state_bytes: int = 0
    difference_bytes: int = 0
    differences: int = 0
    """Number of pushes with a difference; the two above are the bytes of both kinds."""
    missed: int = 0
    repeated: int = 0
    lost: int = 0


def push_key(session: int, version: int) -> int:
    """Encode a session's number and a version as one integer."""
    return session << 32 | version
