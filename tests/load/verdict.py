"""Computes the figures of a run and checks them against limits."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tests.load.attendance import SubscriberResults
from tests.load.bench.figures import percentile
from tests.load.deliveries import delivery_latencies
from tests.load.observation import Observation, histogram_percentile
from tests.load.run import Record
from tests.load.scenarios import Limit
from tests.load.usage import cpu_percent

_LATE_MS = 100.0
_PERCENTILES = (50, 95, 99)

Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class LimitCheck:
    """A figure and its limit."""

    limit: Limit
    value: float | None
    """None if the figure was not measured; then the check fails."""

    @property
    def passed(self) -> bool:
        """Whether the figure was measured and is within the limit."""
        return self.value is not None and self.value <= self.limit.most


def check_limits(figures: Figures, limits: Sequence[Limit]) -> list[LimitCheck]:
    """Compare each limit with its figure."""
    return [LimitCheck(limit, figures.get(limit.figure)) for limit in limits]


def figures_of(record: Record) -> Figures:
    """Compute all figures of a run; latencies exclude the warm-up."""
    figures = _of_requests(record) | _of_memory(record) | _of_versions(record)
    if record.subscriber_results:
        figures |= _of_sockets(record)
    for p in (95, 99):
        late = histogram_percentile(record.lateness_before, record.lateness_after, p)
        if late is not None:
            figures[f"timeouts and warnings late, p{p} at most ms"] = late
    figures["timeouts and warnings"] = max(record.lateness_after.values(), default=0) - max(
        record.lateness_before.values(), default=0
    )
    return figures | {
        "session setup s": record.setup_s,
        "outbox at the end": record.outbox,
        **_of_changes(record),
        "Redis keys added since half time": record.observations[-1].keys
        - _middle(record.observations).keys,
    }


def _of_requests(record: Record) -> Figures:
    counted = [s for s in record.results.samples if s.at_s >= record.scenario.warm_up_s]
    figures: Figures = {"requests": len(counted)}
    measured_s = record.scenario.duration_s - record.scenario.warm_up_s
    figures["requests a second"] = len(counted) / measured_s
    for kind in sorted({sample.kind for sample in counted}):
        figures |= _latency_figures(
            kind, [s.ms for s in counted if s.kind == kind and _has_latency(s.status)]
        )
    figures |= _latency_figures("generator lateness", [s.late_ms for s in counted])
    if counted:
        late = sum(sample.late_ms > _LATE_MS for sample in counted)
        figures["requests not sent in time %"] = 100 * late / len(counted)
    total = len(record.results.samples)
    figures["errors %"] = 100 * record.results.errors.total() / total if total else 100.0
    figures["stale changes refused"] = record.results.stale_refused
    return figures | _by_quarter(record)


def _by_quarter(record: Record) -> Figures:
    """Compare the last quarter's switches with the second quarter's, which has no warm-up."""
    quarter_s = record.scenario.duration_s / 4
    p95 = []
    for number in (1, 3):
        begins, ends = number * quarter_s, (number + 1) * quarter_s
        ms = [
            s.ms for s in record.results.samples if s.kind == "switch" and begins <= s.at_s < ends
        ]
        if not ms:
            return {}
        p95.append(percentile(sorted(ms), 95))
    return {"switch p95, fourth quarter over second quarter": p95[1] / p95[0]}


def _of_sockets(record: Record) -> Figures:
    warm_up_s = record.scenario.warm_up_s
    ms = [ms for at_s, ms in delivery_latencies(record) if at_s >= warm_up_s]
    results = record.subscriber_results
    received = sum(len(one.push_keys) for one in results)
    return _latency_figures("delivery", ms) | {
        **_of_push_bytes(results, received),
        "pushes received": received,
        "pushes missed": sum(one.missed for one in results),
        "pushes repeated": sum(one.repeated for one in results),
        "sockets lost": sum(one.lost for one in results),
        "socket setup s": record.opening_s,
    }


def _of_push_bytes(results: Sequence[SubscriberResults], received: int) -> Figures:
    differences = sum(one.differences for one in results)
    with_state = received - differences
    figures: Figures = {}
    if with_state:
        sent = sum(one.state_bytes for one in results)
        figures["bytes of a push with the state"] = sent / with_state
    if differences:
        sent = sum(one.difference_bytes for one in results)
        figures["bytes of a push with a difference"] = sent / differences
    return figures


def _of_memory(record: Record) -> Figures:
    first, last = record.observations[0], record.observations[-1]
    elapsed_s = last.at_s - first.at_s
    second_half = record.observations[len(record.observations) // 2 :]
    figures = {f"instance {n + 1}: memory MB": mb for n, mb in enumerate(last.memory_mb)} | {
        f"instance {n + 1}: CPU %": 100 * (after - before) / elapsed_s
        for n, (before, after) in enumerate(zip(first.cpu_s, last.cpu_s, strict=True))
    }
    used = cpu_percent(first.usage, last.usage)
    figures |= {f"{role}: CPU %": sum(each) for role, each in used.items() if role != "service"}
    figures["memory growth in the second half MB"] = max(
        slope([(observation.at_s, observation.memory_mb[n]) for observation in second_half])
        * (last.at_s - second_half[0].at_s)
        for n in range(len(last.memory_mb))
    )
    return figures


def _of_versions(record: Record) -> Figures:
    """Count versions that no accepted change or several made.

    Missing versions are not counted in a mix of all modes, in which timeouts make versions too.
    """
    made = Counter((c.session, c.version) for c in record.results.changes)
    figures: Figures = {"versions duplicated": sum(n - 1 for n in made.values())}
    if record.scenario.mix != "everything":
        expected = sum(
            v - record.versions_before.get(n, 0) for n, v in record.versions_after.items()
        )
        figures["versions missing"] = abs(expected - len(made))
    return figures


def _of_changes(record: Record) -> Figures:
    """Return what the servers did for each change; those of the warm-up count too."""
    first, last = record.observations[0], record.observations[-1]
    changes, cpu_s = max(1, len(record.results.changes)), sum(last.cpu_s) - sum(first.cpu_s)
    return {
        "bytes to Redis a change": (last.redis_bytes - first.redis_bytes) / changes,
        "instances, ms of processor time a change": cpu_s * 1000 / changes,
    }


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Return the slope of the regression line (least squares)."""
    middle_x = math.fsum(x for x, _ in points) / len(points)
    middle_y = math.fsum(y for _, y in points) / len(points)
    spread = math.fsum((x - middle_x) ** 2 for x, _ in points)
    common = math.fsum((x - middle_x) * (y - middle_y) for x, y in points)
    return common / spread if spread else 0.0


def _has_latency(status: int) -> bool:
    """Whether a request counts for latencies: it succeeded, or got no response at all."""
    return status == 0 or 200 <= status < 300


def _latency_figures(name: str, ms: list[float]) -> Figures:
    if not ms:
        return {}
    ordered = sorted(ms)
    figures = {f"{name} p{p} ms": percentile(ordered, p) for p in _PERCENTILES}
    return figures | {f"{name} max ms": ordered[-1]}


def _middle(observations: Sequence[Observation]) -> Observation:
    return observations[len(observations) // 2]
