"""Units of time, as types, so that a duration and an instant can't be mixed."""

from typing import NewType

Millis = NewType("Millis", int)
"""A duration in milliseconds."""

Instant = NewType("Instant", int)
"""Milliseconds since the Unix epoch on the store's clock, the only clock there is."""

HOUR = Millis(3_600_000)
DAY = Millis(24 * HOUR)


def elapsed_between(start: Instant, end: Instant) -> Millis:
    """The time from `start` to `end`; 0 when the clock was set back in between."""
    return Millis(max(0, end - start))


def after(start: Instant, duration: Millis) -> Instant:
    """The instant that lies `duration` after `start`."""
    return Instant(start + duration)
