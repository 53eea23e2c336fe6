"""Units of time as types, so that durations and instants can't be mixed up."""

from typing import NewType

Millis = NewType("Millis", int)
"""A duration in milliseconds."""

Instant = NewType("Instant", int)
"""Milliseconds since the Unix epoch by the store's clock, the only clock that sessions use."""

HOUR = Millis(3_600_000)
DAY = Millis(24 * HOUR)


def elapsed_between(start: Instant, end: Instant) -> Millis:
    """Return the time from `start` to `end`; 0 if the store's clock was set back in between."""
    return Millis(max(0, end - start))


def after(start: Instant, duration: Millis) -> Instant:
    """Return the instant `duration` after `start`."""
    return Instant(start + duration)
