"""Metrics of requests have the same samples as the library's own counters and histograms."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.registry import Collector

from shared.observability.request_metrics import RequestMetrics

REQUEST_BUCKETS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)
SWITCH_BUCKETS = (1, 2, 3, 5, 7.5, 10, 15, 20, 30, 50, 75, 100, 200, 500, 1000)
SWITCH = "/v1/sessions/{session_id}/switch"

requests = st.tuples(
    st.sampled_from(["GET", "POST"]),
    st.sampled_from([SWITCH, "/v1/time"]),
    st.sampled_from([200, 409]),
    st.sampled_from([0.5, 1.0, 7.5, 7.75, 2000.0, 2000.5, 99_999.0]),
)


@given(st.lists(requests, max_size=20))
def test_samples_are_those_of_the_library(served: list[tuple[str, str, int, float]]) -> None:
    expected = CollectorRegistry()
    count = Counter(
        "synckairos_http_requests", "", ("method", "route", "status_code"), registry=expected
    )
    durations = Histogram(
        "synckairos_http_request_duration_ms",
        "",
        ("method", "route"),
        buckets=REQUEST_BUCKETS,
        registry=expected,
    )
    switches = Histogram(
        "synckairos_switch_cycle_duration_ms", "", buckets=SWITCH_BUCKETS, registry=expected
    )
    metrics = RequestMetrics()
    for method, route, status, elapsed_ms in served:
        metrics.observe(method, route, status, elapsed_ms)
        count.labels(method, route, str(status)).inc()
        durations.labels(method, route).observe(elapsed_ms)
        if route == SWITCH and status == 200:
            switches.observe(elapsed_ms)
    assert samples([metrics]) == samples([count, durations, switches])


def samples(collectors: Iterable[Collector]) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return the value of each sample by name and labels, without those of the creation times."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for collector in collectors
        for metric in collector.collect()
        for sample in metric.samples
        if not sample.name.endswith("_created")
    }
