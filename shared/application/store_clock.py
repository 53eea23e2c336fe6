"""An estimate of the store's clock between two of its replies."""

import time

from shared.domain.units import Instant

_STALE_S = 60.0
"""Offsets older than this are stale."""

_DRIFT_S = 0.006
"""Drift of two quartz clocks within `_STALE_S`, at 100 ppm."""


class StoreClock:
    """The local monotonic clock plus its offset to the store's clock, measured with each reply.

    The sample with the shortest round trip is the best; its error is at most half the round trip.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Discard the offset, for example because the machine was suspended."""
        self._offset_s = 0.0
        self._round_trip_s = float("inf")
        self._measured_at = float("-inf")

    def observe(self, sent: float, received: float, store_time_s: float) -> None:
        """Process one sample, in s; `sent` and `received` are `time.monotonic()` around a call."""
        round_trip = received - sent
        offset = store_time_s - (sent + received) / 2
        is_old = received - self._measured_at > _STALE_S / 2
        if round_trip <= self._round_trip_s or is_old or self._is_contradicted(offset, round_trip):
            self._offset_s = offset
            self._round_trip_s = round_trip
            self._measured_at = received

    def _is_contradicted(self, offset_s: float, round_trip_s: float) -> bool:
        """Whether a sample and the current one can't both be right: the store's clock changed."""
        max_difference_s = (round_trip_s + self._round_trip_s) / 2 + _DRIFT_S
        return abs(offset_s - self._offset_s) > max_difference_s

    @property
    def is_stale(self) -> bool:
        """Whether the offset is too old to be trusted, or was never measured."""
        return time.monotonic() - self._measured_at > _STALE_S

    @property
    def was_measured(self) -> bool:
        """Whether there is an offset, stale or not."""
        return self._measured_at > float("-inf")

    @property
    def error_ms(self) -> float:
        """The upper bound of the error, ms, apart from drift."""
        return self._round_trip_s * 500

    def now(self) -> Instant:
        """Return the estimated store time. Never calculate a session's state with it."""
        return Instant(round((time.monotonic() + self._offset_s) * 1000))
