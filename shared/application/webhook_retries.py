"""When a delivery of a webhook that failed is tried again."""

from collections.abc import Callable

from shared.domain.units import Instant, Millis, after

_SECOND, _MINUTE, _HOUR = 1_000, 60_000, 3_600_000

DELAYS_MS = (
    5 * _SECOND,
    30 * _SECOND,
    5 * _MINUTE,
    30 * _MINUTE,
    2 * _HOUR,
    6 * _HOUR,
    12 * _HOUR,
)
"""Delays after the first failed attempt, the second one, and so on; then it is given up."""

_JITTER = 0.2
"""Each delay is longer by up to this share, so that receivers aren't called all at once."""


def next_attempt_at(failed: int, now: Instant, random: Callable[[], float]) -> Instant | None:
    """Return when to try again after attempt number `failed` (from 1); None to give up.

    `random` returns numbers from 0 to below 1.
    """
    if failed > len(DELAYS_MS):
        return None
    return after(now, Millis(round(DELAYS_MS[failed - 1] * (1 + _JITTER * random()))))
