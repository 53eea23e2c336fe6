"""Bounds for the offset between the server's clock and a drifting local one. All in ms."""

from dataclasses import dataclass

from synckairos.timing import DRIFT, ROUNDED_DOWN_MS, ROUNDED_UP_MS


@dataclass(frozen=True, slots=True)
class Sample:
    """The server's clock read `server_ms` some time between `sent` and `received`, local ms."""

    sent: float
    server_ms: float
    received: float

    @property
    def round_trip_ms(self) -> float:
        """Round trip of the request."""
        return self.received - self.sent


@dataclass(frozen=True, slots=True)
class OffsetInterval:
    """The offsets (server minus local) that all samples allow.

    Every sample's interval widens at the same rate on both sides, so the narrowest bounds stay the
    narrowest: two numbers represent all samples. They are the bounds at local time zero.
    """

    low: float
    high: float

    @classmethod
    def of(cls, sample: Sample, resolution_ms: float) -> "OffsetInterval":
        """Return the offsets that one sample allows."""
        low = sample.server_ms - ROUNDED_UP_MS - sample.received - resolution_ms
        high = sample.server_ms + ROUNDED_DOWN_MS - sample.sent + resolution_ms
        return cls(low + DRIFT * sample.sent, high - DRIFT * sample.sent)

    def narrowed(self, other: "OffsetInterval", at: float) -> "OffsetInterval | None":
        """Return the offsets that both allow; None if a clock jumped and there are none at `at`."""
        combined = OffsetInterval(max(self.low, other.low), min(self.high, other.high))
        return combined if combined.error_ms(at) >= 0 else None

    @property
    def middle(self) -> float:
        """The best estimate; it doesn't change with time."""
        return (self.low + self.high) / 2

    def error_ms(self, at: float) -> float:
        """Return the maximum error of the estimate at local time `at`."""
        return (self.high - self.low) / 2 + DRIFT * at

    def highest(self, at: float) -> float:
        """Return the largest possible offset at local time `at`."""
        return self.middle + self.error_ms(at)
