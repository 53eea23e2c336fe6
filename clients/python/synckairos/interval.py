"""Where the server's clock can be, as seen from a local one that drifts. All in ms."""

from dataclasses import dataclass

_DRIFT = 120e-6
"""Two quartz clocks part by no more: what a sample says gets vaguer with its age."""

_ROUNDED_UP_MS, _ROUNDED_DOWN_MS = 0.5, 1.0
"""How far a server's whole ms can be from what its clock read, to either side."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The server's clock read `server_ms` some time between `sent` and `received`, local ms."""

    sent: float
    server_ms: float
    received: float

    @property
    def round_trip_ms(self) -> float:
        """How long the question took."""
        return self.received - self.sent


@dataclass(frozen=True, slots=True)
class Offsets:
    """The offsets, server less local, that no sample rules out.

    Each sample's interval widens by the same drift on both sides, so what binds now binds always:
    two numbers hold all samples there ever were. They are the ends as of local time zero.
    """

    low: float
    high: float

    @classmethod
    def of(cls, sample: Sample, resolution_ms: float) -> "Offsets":
        """What one sample leaves."""
        low = sample.server_ms - _ROUNDED_UP_MS - sample.received - resolution_ms
        high = sample.server_ms + _ROUNDED_DOWN_MS - sample.sent + resolution_ms
        return cls(low + _DRIFT * sample.sent, high - _DRIFT * sample.sent)

    def narrowed(self, other: "Offsets", at: float) -> "Offsets | None":
        """What both leave; None when that is nothing at local time `at`: a clock jumped."""
        both = Offsets(max(self.low, other.low), min(self.high, other.high))
        return both if both.error_ms(at) >= 0 else None

    @property
    def middle(self) -> float:
        """The best guess, which doesn't age."""
        return (self.low + self.high) / 2

    def error_ms(self, at: float) -> float:
        """How far off the guess can be at local time `at`."""
        return (self.high - self.low) / 2 + _DRIFT * at
