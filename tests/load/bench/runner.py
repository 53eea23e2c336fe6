"""Runs every scenario on all servers in turn, for several rounds, and takes the medians."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from tests.load.bench import audit_trail, latency, pushes, timeouts, wrk
from tests.load.bench.audit_trail import AuditLatency
from tests.load.bench.errors import BenchError
from tests.load.bench.figures import Figures, median_of_rounds, ratio
from tests.load.bench.pushes import PushFigures
from tests.load.bench.targets import ServiceTarget, Targets, create_body
from tests.load.bench.wrk import Load

_SAMPLES = 400
_READS = {"read"}

AUDITED_SUFFIX: Final = ", audited"
"""Suffix of a scenario that ran on the service with an audit trail in Postgres."""

Measure = Callable[[str], Figures]
ReportProgress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One scenario on the service and on both baselines.

    A ratio is the service's speed divided by the baseline's.
    """

    scenario: str
    service: Figures
    baseline: Figures
    ratio: float
    native_baseline: Figures
    own_ratio: float


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory of an instance, KiB."""

    at_rest_kib: int
    after_load_kib: int


@dataclass(frozen=True, slots=True)
class Results:
    """Figures of one run."""

    comparisons: tuple[Comparison, ...]
    constant: Figures
    flags: Figures
    trail: AuditLatency
    pushes: PushFigures
    memory: Memory
    memory_audited: Memory

    @property
    def errors(self) -> int:
        """Number of requests that failed or whose answer was not 2xx."""
        sides = [
            s for one in self.comparisons for s in (one.service, one.baseline, one.native_baseline)
        ]
        return sum(side.errors for side in (*sides, self.constant))


def progress_steps(rounds: int) -> int:
    """Return how often `run_benchmark` reports progress."""
    return rounds * (4 * len(_SCENARIOS) - len(_READS) + 1) + 3


def run_benchmark(
    targets: Targets, rounds: int, seconds: int, report_progress: ReportProgress
) -> Results:
    """Measure everything; figures that are compared are taken directly one after another."""
    services = targets.service, targets.audited
    at_rest = [_memory_kib(one) for one in services]
    comparisons = tuple(
        comparison
        for name, scenario in _SCENARIOS.items()
        for comparison in _compare(
            name, scenario(targets, seconds), targets, rounds, report_progress
        )
    )
    constant = []
    for _ in range(rounds):
        report_progress("a FastAPI route that returns a constant")
        constant.append(wrk.run_wrk(Load("GET", "/health"), [targets.constant], seconds))
    report_progress("timeouts")
    flags = timeouts.measure_timeouts(targets.service.instance, targets.service.redis_url)
    memory = [
        Memory(before, _memory_kib(one)) for one, before in zip(services, at_rest, strict=True)
    ]
    report_progress("cost of the audit trail")
    trail = audit_trail.measure_audit_trail(targets)
    report_progress("pushes by each transport")
    pushed = pushes.measure_pushes_by_transport()
    return Results(comparisons, median_of_rounds(constant), flags, trail, pushed, *memory)


def _compare(
    name: str, measure: Measure, targets: Targets, rounds: int, report_progress: ReportProgress
) -> list[Comparison]:
    """Compare the service with the baselines; for changes, also the service with an audit trail."""
    service, audited, baseline, native_baseline = [], [], [], []
    for _ in range(rounds):
        report_progress(f"{name}: service")
        service.append(measure(targets.service.url))
        report_progress(f"{name}: baseline with redis-py")
        baseline.append(measure(targets.baseline))
        report_progress(f"{name}: baseline with the service's connection")
        native_baseline.append(measure(targets.native_baseline))
        if name not in _READS:
            report_progress(f"{name}: service with its audit trail")
            audited.append(measure(targets.audited.url))
            audit_trail.wait_until_drained(targets.audited)
    baselines = median_of_rounds(baseline), median_of_rounds(native_baseline)
    comparisons = [_comparison(name, median_of_rounds(service), *baselines)]
    if audited:
        comparisons.append(
            _comparison(f"{name}{AUDITED_SUFFIX}", median_of_rounds(audited), *baselines)
        )
    return comparisons


def _comparison(
    name: str, service: Figures, baseline: Figures, native_baseline: Figures
) -> Comparison:
    ratios = ratio(service, baseline), ratio(service, native_baseline)
    return Comparison(name, service, baseline, ratios[0], native_baseline, ratios[1])


def _load(method: str, path: str, body: str, targets: Targets, seconds: int) -> Measure:
    load = Load(method, path, body, targets.session_ids)
    return lambda url: wrk.run_wrk(load, [url], seconds)


def _switches(targets: Targets, _: int) -> Measure:
    return lambda url: latency.measure_switches(url, targets.session_ids[0], _SAMPLES)


def _deliveries(targets: Targets, _: int) -> Measure:
    return lambda url: latency.measure_pushes(url, targets.session_ids[0], _SAMPLES)


_SCENARIOS: dict[str, Callable[[Targets, int], Measure]] = {
    "read": partial(_load, "GET", "/v1/sessions/ID", ""),
    "create": partial(_load, "POST", "/v1/sessions", create_body(session_id=wrk.NEW_ID)),
    "switch": partial(_load, "POST", "/v1/sessions/ID/switch", "{}"),
    "switch, one at a time": _switches,
    "POST to WebSocket message": _deliveries,
}


def _memory_kib(service: ServiceTarget) -> int:
    """Return the resident memory of the service's process."""
    pid = service.instance.process.pid
    try:
        ps = subprocess.run(
            ["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise BenchError("Can't read the memory of the service with `ps`.") from error
    return int(ps.stdout)
