"""Randomised delays (ms), so that clients don't all reconnect at the same time."""

import random
from collections.abc import Callable

_FIRST_MS = 200.0
_LONGEST_MS = 5_000.0

Random = Callable[[], float]
"""Returns a number from 0 to 1."""


def backoff(failures: int, rng: Random = random.random) -> float:
    """Return the delay after `failures` earlier failures: 50 to 100 % of an exponential delay."""
    whole: float = min(_LONGEST_MS, _FIRST_MS * 2.0 ** min(failures, 10))
    return whole * (0.5 + rng() / 2)


def spread(about: float, rng: Random = random.random) -> float:
    """Return `about`, varied by up to an eighth."""
    return about * (0.875 + rng() / 4)
