"""The figures of a run, and what they are made of. All times in ms."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Figures:
    """One side of one scenario; `rate` is requests a second, None where none is measured."""

    rate: float | None
    p50_ms: float
    p95_ms: float
    p99_ms: float
    errors: int = 0


def of_samples(samples_ms: Sequence[float]) -> Figures:
    """The figures of single latencies."""
    ordered = sorted(samples_ms)
    p50, p95, p99 = (percentile(ordered, p) for p in (50, 95, 99))
    return Figures(None, p50, p95, p99)


def percentile(ordered: Sequence[float], p: float) -> float:
    """The smallest of the `ordered` values that at least `p` % of them don't exceed."""
    return ordered[max(0, math.ceil(len(ordered) * p / 100) - 1)]


def median_of(rounds: Sequence[Figures]) -> Figures:
    """The median of each figure over several rounds, and all their errors."""
    rates = [one.rate for one in rounds if one.rate is not None]
    return Figures(
        median(rates) if rates else None,
        median(one.p50_ms for one in rounds),
        median(one.p95_ms for one in rounds),
        median(one.p99_ms for one in rounds),
        sum(one.errors for one in rounds),
    )


def ratio(service: Figures, floor: Figures) -> float:
    """How much of the floor's speed is reached: of its rate, or by latency of its median."""
    if service.rate is not None and floor.rate:
        return service.rate / floor.rate
    return floor.p50_ms / service.p50_ms
