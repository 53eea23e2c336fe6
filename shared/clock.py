"""The store's clock as an instance sees it between two store replies."""

import time

from shared.domain.units import Instant

_STALE_S = 60.0
"""Two quartz clocks drift apart by at most some 100 ppm: 6 ms in this time."""

_DRIFT_S = 0.006


class StoreClock:
    """The local monotonic clock plus its offset to the store's, measured with each reply.

    The sample with the smallest round trip is the best; its error is at most half of that.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Know nothing any more: the machine stood still for an unknown time."""
        self._offset_s = 0.0
        self._round_trip_s = float("inf")
        self._measured_at = float("-inf")

    def observe(self, sent: float, received: float, store_time_s: float) -> None:
        """Take in one sample; `sent` and `received` are `time.monotonic()` around the call."""
        round_trip = received - sent
        offset = store_time_s - (sent + received) / 2
        is_old = received - self._measured_at > _STALE_S / 2
        if round_trip <= self._round_trip_s or is_old or self._is_contradicted(offset, round_trip):
            self._offset_s = offset
            self._round_trip_s = round_trip
            self._measured_at = received

    def _is_contradicted(self, offset_s: float, round_trip_s: float) -> bool:
        """Whether a sample and ours can't both be right: the store has another clock since then."""
        both_errors_s = (round_trip_s + self._round_trip_s) / 2 + _DRIFT_S
        return abs(offset_s - self._offset_s) > both_errors_s

    @property
    def is_stale(self) -> bool:
        """Whether the offset is too old to be trusted, or was never measured."""
        return time.monotonic() - self._measured_at > _STALE_S

    @property
    def was_measured(self) -> bool:
        """Whether there is any offset at all."""
        return self._measured_at > float("-inf")

    @property
    def error_ms(self) -> float:
        """The bound of the error, ms."""
        return self._round_trip_s * 500

    def now(self) -> Instant:
        """The store's time by our estimate; never for a session's arithmetic."""
        return Instant(round((time.monotonic() + self._offset_s) * 1000))
