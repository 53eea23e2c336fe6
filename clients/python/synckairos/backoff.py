"""Randomised delays (ms), so that clients don't all reconnect at the same time."""

import random
from collections.abc import Callable

from synckairos.timing import BACKOFF_FIRST_MS, BACKOFF_JITTER, BACKOFF_MAX_MS

Random = Callable[[], float]
"""Returns a number from 0 to 1."""


def backoff(failures: int, rng: Random = random.random) -> float:
    """Return the delay after `failures` earlier failures: a random part of an exponential one."""
    whole: float = min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2.0 ** min(failures, 10))
    return whole * spread(BACKOFF_JITTER, rng)


def spread(bounds: tuple[float, float], rng: Random = random.random) -> float:
    """Return a random value within `bounds`."""
    low, high = bounds
    return low + (high - low) * rng()
