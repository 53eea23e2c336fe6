"""How long to wait, so that not everybody comes back at once. All in ms."""

import random
from collections.abc import Callable

_FIRST_MS = 200.0
_LONGEST_MS = 5_000.0

Random = Callable[[], float]
"""A number from 0 to 1."""


def backoff(failures: int, dice: Random = random.random) -> float:
    """The wait after so many failures before this one: between half of it and all."""
    whole: float = min(_LONGEST_MS, _FIRST_MS * 2.0 ** min(failures, 10))
    return whole * (0.5 + dice() / 2)


def spread(about: float, dice: Random = random.random) -> float:
    """About that long: within an eighth of it."""
    return about * (0.875 + dice() / 4)
