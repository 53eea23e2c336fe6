"""The course of a run: every scenario on both sides in turn, several rounds, then the medians."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from functions.tools.bench import audit, expiry, latency, pushes, wrk
from functions.tools.bench.audit import AuditFigures
from functions.tools.bench.contestants import Contestants, creation
from functions.tools.bench.failure import BenchFailed
from functions.tools.bench.figures import Figures, median_of, ratio
from functions.tools.bench.pushes import PushFigures
from functions.tools.bench.wrk import Load

_SAMPLES = 400

Measure = Callable[[str], Figures]
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A scenario on both sides; the ratio is the share of the floor's speed that is reached."""

    scenario: str
    service: Figures
    floor: Figures
    ratio: float


@dataclass(frozen=True, slots=True)
class Results:
    """Everything that a run prints."""

    comparisons: tuple[Comparison, ...]
    constant: Figures
    flags: Figures
    trail: AuditFigures
    pushes: PushFigures
    memory_at_rest_kib: int
    memory_after_load_kib: int

    @property
    def errors(self) -> int:
        """How many answers were not 2xx, or never came."""
        sides = [side for one in self.comparisons for side in (one.service, one.floor)]
        return sum(side.errors for side in (*sides, self.constant))


def steps(rounds: int) -> int:
    """How often `run` tells of its progress."""
    return rounds * (2 * len(_SCENARIOS) + 1) + 3


def run(racers: Contestants, rounds: int, seconds: int, tell: Tell) -> Results:
    """Measure everything; neighbours in time are neighbours in the comparison."""
    service_pid = racers.instance.process.pid
    at_rest_kib = _memory_kib(service_pid)
    comparisons = tuple(
        _compare(name, scenario(racers, seconds), racers, rounds, tell)
        for name, scenario in _SCENARIOS.items()
    )
    constant = []
    for _ in range(rounds):
        tell("a FastAPI route that returns a constant")
        constant.append(wrk.run(Load("GET", "/health"), racers.constant, seconds))
    tell("flags that fall by themselves")
    flags = expiry.of_flags(racers.instance, racers.redis_url)
    after_load_kib = _memory_kib(service_pid)
    tell("what the audit trail costs")
    trail = audit.of_trail()
    tell("pushes by each transport")
    pushed = pushes.of_pushes()
    constant_figures = median_of(constant)
    return Results(comparisons, constant_figures, flags, trail, pushed, at_rest_kib, after_load_kib)


def _compare(
    name: str, measure: Measure, racers: Contestants, rounds: int, tell: Tell
) -> Comparison:
    service, floor = [], []
    for _ in range(rounds):
        tell(f"{name}: service")
        service.append(measure(racers.service))
        tell(f"{name}: floor")
        floor.append(measure(racers.floor))
    ours, least = median_of(service), median_of(floor)
    return Comparison(name, ours, least, ratio(ours, least))


def _load(method: str, path: str, body: str, racers: Contestants, seconds: int) -> Measure:
    load = Load(method, path, body, racers.session_ids)
    return lambda url: wrk.run(load, url, seconds)


def _switches(racers: Contestants, _: int) -> Measure:
    return lambda url: latency.of_switches(url, racers.session_ids[0], _SAMPLES)


def _deliveries(racers: Contestants, _: int) -> Measure:
    return lambda url: latency.of_deliveries(url, racers.session_ids[0], _SAMPLES)


_SCENARIOS: dict[str, Callable[[Contestants, int], Measure]] = {
    "read": partial(_load, "GET", "/v1/sessions/ID", ""),
    "create": partial(_load, "POST", "/v1/sessions", creation()),
    "switch": partial(_load, "POST", "/v1/sessions/ID/switch", "{}"),
    "switch, one at a time": _switches,
    "POST to WebSocket message": _deliveries,
}


def _memory_kib(pid: int) -> int:
    """What a process keeps resident."""
    try:
        told = subprocess.run(
            ["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise BenchFailed("`ps` doesn't tell how much memory the service takes.") from error
    return int(told.stdout)
