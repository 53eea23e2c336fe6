"""Runs every scenario on all servers in turn, for several rounds, and takes the medians."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from functions.tools.bench import audit, expiry, latency, pushes, wrk
from functions.tools.bench.audit import AuditFigures
from functions.tools.bench.contestants import Contestants, Service, creation
from functions.tools.bench.failure import BenchFailed
from functions.tools.bench.figures import Figures, median_of, ratio
from functions.tools.bench.pushes import PushFigures
from functions.tools.bench.wrk import Load

_SAMPLES = 400
_READS = {"read"}

AUDITED: Final = ", audited"
"""Suffix of a scenario that ran on the service with an audit trail in Postgres."""

Measure = Callable[[str], Figures]
ReportProgress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One scenario on the service and on both floors.

    A ratio is the service's speed divided by the floor's.
    """

    scenario: str
    service: Figures
    floor: Figures
    ratio: float
    own_floor: Figures
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
    trail: AuditFigures
    pushes: PushFigures
    memory: Memory
    memory_audited: Memory

    @property
    def errors(self) -> int:
        """Number of requests that failed or whose answer was not 2xx."""
        sides = [s for one in self.comparisons for s in (one.service, one.floor, one.own_floor)]
        return sum(side.errors for side in (*sides, self.constant))


def steps(rounds: int) -> int:
    """Return how often `run` reports progress."""
    return rounds * (4 * len(_SCENARIOS) - len(_READS) + 1) + 3


def run(
    targets: Contestants, rounds: int, seconds: int, report_progress: ReportProgress
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
        constant.append(wrk.run(Load("GET", "/health"), [targets.constant], seconds))
    report_progress("timeouts")
    flags = expiry.of_flags(targets.service.instance, targets.service.redis_url)
    memory = [
        Memory(before, _memory_kib(one)) for one, before in zip(services, at_rest, strict=True)
    ]
    report_progress("cost of the audit trail")
    trail = audit.of_trail(targets)
    report_progress("pushes by each transport")
    pushed = pushes.of_pushes()
    return Results(comparisons, median_of(constant), flags, trail, pushed, *memory)


def _compare(
    name: str, measure: Measure, targets: Contestants, rounds: int, report_progress: ReportProgress
) -> list[Comparison]:
    """Compare the service with the floors; for changes, also the service with an audit trail."""
    service, audited, floor, own_floor = [], [], [], []
    for _ in range(rounds):
        report_progress(f"{name}: service")
        service.append(measure(targets.service.url))
        report_progress(f"{name}: floor with redis-py")
        floor.append(measure(targets.floor))
        report_progress(f"{name}: floor with the service's connection")
        own_floor.append(measure(targets.own_floor))
        if name not in _READS:
            report_progress(f"{name}: service with its audit trail")
            audited.append(measure(targets.audited.url))
            audit.wait_until_drained(targets.audited)
    floors = median_of(floor), median_of(own_floor)
    comparisons = [_comparison(name, median_of(service), *floors)]
    if audited:
        comparisons.append(_comparison(f"{name}{AUDITED}", median_of(audited), *floors))
    return comparisons


def _comparison(name: str, service: Figures, floor: Figures, own_floor: Figures) -> Comparison:
    ratios = ratio(service, floor), ratio(service, own_floor)
    return Comparison(name, service, floor, ratios[0], own_floor, ratios[1])


def _load(method: str, path: str, body: str, targets: Contestants, seconds: int) -> Measure:
    load = Load(method, path, body, targets.session_ids)
    return lambda url: wrk.run(load, [url], seconds)


def _switches(targets: Contestants, _: int) -> Measure:
    return lambda url: latency.of_switches(url, targets.session_ids[0], _SAMPLES)


def _deliveries(targets: Contestants, _: int) -> Measure:
    return lambda url: latency.of_deliveries(url, targets.session_ids[0], _SAMPLES)


_SCENARIOS: dict[str, Callable[[Contestants, int], Measure]] = {
    "read": partial(_load, "GET", "/v1/sessions/ID", ""),
    "create": partial(_load, "POST", "/v1/sessions", creation(session_id=wrk.NEW_ID)),
    "switch": partial(_load, "POST", "/v1/sessions/ID/switch", "{}"),
    "switch, one at a time": _switches,
    "POST to WebSocket message": _deliveries,
}


def _memory_kib(service: Service) -> int:
    """Return the resident memory of the service's process."""
    pid = service.instance.process.pid
    try:
        ps = subprocess.run(
            ["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise BenchFailed("Can't read the memory of the service with `ps`.") from error
    return int(ps.stdout)
