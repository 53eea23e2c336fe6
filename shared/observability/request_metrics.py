"""Counts and durations of requests, for Prometheus.

The library's own counters and histograms take locks and search their buckets one after the other,
which was 4 % of the processor time of a switch. Here a request costs one search in a sorted tuple.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

_REQUEST_BUCKETS_MS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)
_SWITCH_BUCKETS_MS = (1, 2, 3, 5, 7.5, 10, 15, 20, 30, 50, 75, 100, 200, 500, 1000)


class _Durations:
    """Durations in ms, counted by the first of the `bounds` that is not below them."""

    __slots__ = ("_bounds", "_counts", "_sum_ms")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum_ms = 0.0

    @property
    def count(self) -> int:
        return sum(self._counts)

    def observe(self, elapsed_ms: float) -> None:
        self._counts[bisect_left(self._bounds, elapsed_ms)] += 1
        self._sum_ms += elapsed_ms

    def add(self, other: "_Durations") -> None:
        """Add the durations of `other`, which has the same bounds."""
        self._counts = [a + b for a, b in zip(self._counts, other._counts, strict=True)]
        self._sum_ms += other._sum_ms

    def add_to(self, histogram: HistogramMetricFamily, labels: Sequence[str] = ()) -> None:
        """Add this to a family of histograms, as the series with these labels."""
        bounds = [*map(floatToGoString, self._bounds), "+Inf"]
        below = zip(bounds, accumulate(self._counts), strict=True)
        histogram.add_metric(labels, list(below), self._sum_ms)


class RequestMetrics(Collector):
    """The requests that an instance has served; switches also with finer buckets."""

    def __init__(self) -> None:
        self._served: dict[tuple[str, str, int], _Durations] = {}
        self._switches = _Durations(_SWITCH_BUCKETS_MS)

    def observe(self, method: str, route: str, status: int, elapsed_ms: float) -> None:
        """Count a request that took `elapsed_ms`. `route` is the path with its parameters."""
        served = self._served.get((method, route, status))
        if served is None:
            served = self._served[method, route, status] = _Durations(_REQUEST_BUCKETS_MS)
        served.observe(elapsed_ms)
        if status == 200 and route.endswith("/switch"):
            self._switches.observe(elapsed_ms)

    def collect(self) -> Iterator[Metric]:
        """Return the families of metrics, for a scrape."""
        requests = CounterMetricFamily(
            "synckairos_http_requests", "Requests served", labels=("method", "route", "status_code")
        )
        durations = HistogramMetricFamily(
            "synckairos_http_request_duration_ms",
            "Time to serve a request, ms",
            labels=("method", "route"),
        )
        switches = HistogramMetricFamily(
            "synckairos_switch_cycle_duration_ms", "Time to serve a successful switch, ms"
        )
        by_route: dict[tuple[str, str], _Durations] = {}
        for (method, route, status), served in self._served.items():
            requests.add_metric((method, route, str(status)), served.count)
            by_route.setdefault((method, route), _Durations(_REQUEST_BUCKETS_MS)).add(served)
        for labels, served in by_route.items():
            served.add_to(durations, labels)
        self._switches.add_to(switches)
        yield from (requests, durations, switches)
