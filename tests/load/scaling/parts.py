"""The parts of the scaling measurement: the number that grows, and its values."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Size:
    """One value of the growing number, with the servers and sessions for it."""

    number: int
    """The growing number, for the picture's axis."""
    series: str = ""
    """The picture joins sizes of one series by a line."""
    instances: int = 1
    cluster: bool = False
    sessions: int = 100
    participants: int = 2
    sockets: int = 0
    rate: float = 0
    """Switches per second; 0 for as many as possible."""


@dataclass(frozen=True, slots=True)
class Part:
    """A number that grows while everything else stays the same."""

    name: str
    about: str
    axis: str
    sizes: Sequence[Size]

    @property
    def has_sockets(self) -> bool:
        """Whether delivery times are measured, not the highest rate of switches."""
        return any(size.sockets for size in self.sizes)


ONE, CLUSTER = "one Redis", "cluster of three"

_ALL = (
    Part(
        "scale-instances",
        "100 sessions of 2 participants, at 1, 2 and 4 instances on one Redis or a Redis cluster",
        "instances of the service",
        [
            Size(number, series, instances=number, cluster=series == CLUSTER)
            for series in (ONE, CLUSTER)
            for number in (1, 2, 4)
        ],
    ),
    Part(
        "scale-sessions",
        "1, 100 and 10 000 sessions of 2 participants, at one instance",
        "sessions",
        [Size(number, sessions=number) for number in (1, 100, 10_000)],
    ),
    Part(
        "scale-participants",
        "100 sessions of 2, 100 and 1 000 participants, at one instance",
        "participants of a session",
        [Size(number, participants=number) for number in (2, 100, 1_000)],
    ),
    Part(
        "scale-sockets",
        "1, 1 000 and 10 000 sockets on one session, at one instance",
        "sockets on the session",
        [
            Size(number, sessions=1, sockets=number, rate=rate)
            for number, rate in ((1, 20), (1_000, 4), (10_000, 0.5))
        ],
    ),
)

PARTS = {part.name: part for part in _ALL}
