"""Percentiles, medians and ratios of measured latencies. All times in ms."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Figures:
    """Result of one scenario on one server. `rate` is requests/s, None if it wasn't measured."""

    rate: float | None
    p50_ms: float
    p95_ms: float
    p99_ms: float
    errors: int = 0


def summarize(samples_ms: Sequence[float]) -> Figures:
    """Return the percentiles of `samples_ms`."""
    ordered = sorted(samples_ms)
    p50, p95, p99 = (percentile(ordered, p) for p in (50, 95, 99))
    return Figures(None, p50, p95, p99)


def percentile(ordered: Sequence[float], p: float) -> float:
    """Return the `p`th percentile by the nearest-rank method. `ordered` must be ascending."""
    return ordered[max(0, math.ceil(len(ordered) * p / 100) - 1)]


def median_of_rounds(rounds: Sequence[Figures]) -> Figures:
    """Return the median of each figure over several rounds, and the sum of their errors."""
    rates = [one.rate for one in rounds if one.rate is not None]
    return Figures(
        median(rates) if rates else None,
        median(one.p50_ms for one in rounds),
        median(one.p95_ms for one in rounds),
        median(one.p99_ms for one in rounds),
        sum(one.errors for one in rounds),
    )


def ratio(service: Figures, baseline: Figures) -> float:
    """Return the service's speed divided by the baseline's: by rate, or else by median latency."""
    if service.rate is not None and baseline.rate:
        return service.rate / baseline.rate
    return baseline.p50_ms / service.p50_ms
