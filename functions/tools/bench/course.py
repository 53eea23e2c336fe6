"""The course of a run: every scenario on all servers in turn, several rounds, then the medians."""

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
"""Ends the name of a scenario on the service that carries its audit entries to Postgres."""

Measure = Callable[[str], Figures]
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One scenario on the service and on both floors.

    A ratio is the share of a floor's speed that the service reaches.
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
    """Everything that a run prints."""

    comparisons: tuple[Comparison, ...]
    constant: Figures
    flags: Figures
    trail: AuditFigures
    pushes: PushFigures
    memory: Memory
    memory_audited: Memory

    @property
    def errors(self) -> int:
        """How many answers were not 2xx, or never came."""
        sides = [s for one in self.comparisons for s in (one.service, one.floor, one.own_floor)]
        return sum(side.errors for side in (*sides, self.constant))


def steps(rounds: int) -> int:
    """How often `run` tells of its progress."""
    return rounds * (4 * len(_SCENARIOS) - len(_READS) + 1) + 3


def run(racers: Contestants, rounds: int, seconds: int, tell: Tell) -> Results:
    """Measure everything; figures that are compared are taken one right after the other."""
    services = racers.service, racers.audited
    at_rest = [_memory_kib(one) for one in services]
    comparisons = tuple(
        comparison
        for name, scenario in _SCENARIOS.items()
        for comparison in _compare(name, scenario(racers, seconds), racers, rounds, tell)
    )
    constant = []
    for _ in range(rounds):
        tell("a FastAPI route that returns a constant")
        constant.append(wrk.run(Load("GET", "/health"), [racers.constant], seconds))
    tell("timeouts")
    flags = expiry.of_flags(racers.service.instance, racers.service.redis_url)
    memory = [
        Memory(before, _memory_kib(one)) for one, before in zip(services, at_rest, strict=True)
    ]
    tell("what the audit trail costs")
    trail = audit.of_trail(racers)
    tell("pushes by each transport")
    pushed = pushes.of_pushes()
    return Results(comparisons, median_of(constant), flags, trail, pushed, *memory)


def _compare(
    name: str, measure: Measure, racers: Contestants, rounds: int, tell: Tell
) -> list[Comparison]:
    """The service beside the floors; for changes, also the service with its audit trail."""
    service, audited, floor, own_floor = [], [], [], []
    for _ in range(rounds):
        tell(f"{name}: service")
        service.append(measure(racers.service.url))
        tell(f"{name}: floor with redis-py")
        floor.append(measure(racers.floor))
        tell(f"{name}: floor with the service's connection")
        own_floor.append(measure(racers.own_floor))
        if name not in _READS:
            tell(f"{name}: service with its audit trail")
            audited.append(measure(racers.audited.url))
            audit.wait_until_drained(racers.audited)
    floors = median_of(floor), median_of(own_floor)
    comparisons = [_comparison(name, median_of(service), *floors)]
    if audited:
        comparisons.append(_comparison(f"{name}{AUDITED}", median_of(audited), *floors))
    return comparisons


def _comparison(name: str, service: Figures, floor: Figures, own_floor: Figures) -> Comparison:
    ratios = ratio(service, floor), ratio(service, own_floor)
    return Comparison(name, service, floor, ratios[0], own_floor, ratios[1])


def _load(method: str, path: str, body: str, racers: Contestants, seconds: int) -> Measure:
    load = Load(method, path, body, racers.session_ids)
    return lambda url: wrk.run(load, [url], seconds)


def _switches(racers: Contestants, _: int) -> Measure:
    return lambda url: latency.of_switches(url, racers.session_ids[0], _SAMPLES)


def _deliveries(racers: Contestants, _: int) -> Measure:
    return lambda url: latency.of_deliveries(url, racers.session_ids[0], _SAMPLES)


_SCENARIOS: dict[str, Callable[[Contestants, int], Measure]] = {
    "read": partial(_load, "GET", "/v1/sessions/ID", ""),
    "create": partial(_load, "POST", "/v1/sessions", creation(session_id=wrk.NEW_ID)),
    "switch": partial(_load, "POST", "/v1/sessions/ID/switch", "{}"),
    "switch, one at a time": _switches,
    "POST to WebSocket message": _deliveries,
}


def _memory_kib(service: Service) -> int:
    """Resident memory of the service's process."""
    pid = service.instance.process.pid
    try:
        told = subprocess.run(
            ["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise BenchFailed("`ps` doesn't tell how much memory the service takes.") from error
    return int(told.stdout)
