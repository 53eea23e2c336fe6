"""The course of a run: servers, sessions, sockets, load, and what is left when it is over."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import uvloop

from tests.load import contention, generator, targets
from tests.load.attendance import Attendance, Seat
from tests.load.generator import News, Shots
from tests.load.observation import Look, Observer
from tests.load.processes import Child
from tests.load.scenarios import Scenario
from tests.load.stage import Stage, allow_files, stage
from tests.load.subscribers import attend
from tests.load.targets import Target

_T = TypeVar("_T")

_SOCKETS_A_PROCESS = 5_000
_LOOK_S = 1.0

Tell = Callable[[str, float, News | None], None]
"""Phase, share of it that is done, and how the load goes."""


@dataclass
class Record:
    """All that was seen."""

    scenario: Scenario
    shots: Shots
    first: dict[int, int] = field(default_factory=dict)
    last: dict[int, int] = field(default_factory=dict)
    """Versions by session, before and after."""
    attendances: list[Attendance] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    setup_s: float = 0
    opening_s: float = 0
    lateness_before: Counter[float] = field(default_factory=Counter)
    lateness_after: Counter[float] = field(default_factory=Counter)
    outbox: int = 0


def run(scenario: Scenario, tell: Tell) -> Record:
    """Carry out `scenario`. Raises `LoadFailed` where it can't be."""
    allow_files(scenario.sockets)
    tell("starting the servers", 0, None)
    with stage(scenario.instances) as where:
        return run_on(where, scenario, tell)


def run_on(where: Stage, scenario: Scenario, tell: Tell) -> Record:
    """The same on servers that are there. Raises `LoadFailed`."""
    observer, children = Observer(where), list[Child]()
    try:
        return _run(scenario, where, observer, children, tell)
    finally:
        for child in children:
            child.end()
        observer.close()


def _run(
    scenario: Scenario, where: Stage, observer: Observer, children: list[Child], tell: Tell
) -> Record:
    found, record = targets.targets(scenario), Record(scenario, Shots(0))
    if scenario.pattern != "people":
        record.setup_s = _set_up(found, where, tell)
        record.first = _loop(targets.versions(found, where.ports[0]))
    began = time.monotonic()
    listeners = _open_sockets(scenario, found, where, children, tell)
    record.opening_s = time.monotonic() - began
    record.lateness_before = observer.lateness()
    work = contention.contend if scenario.pattern == "contention" else generator.fire
    shooter = Child(work, scenario, found, where.ports)
    children.append(shooter)
    record.shots = _watch(shooter, scenario, observer, record.looks, tell)
    record.lateness_after = observer.lateness()
    tell("waiting for the last pushes", 0, None)
    record.last = _loop(targets.versions(found, where.ports[0]))
    record.attendances = [_heard_by(listener, record.last) for listener in listeners]
    tell("waiting for the audit trail", 0, None)
    record.outbox = observer.outbox_at_rest()
    return record


def _set_up(found: Sequence[Target], where: Stage, tell: Tell) -> float:
    began = time.monotonic()
    _loop(
        targets.begin(found, where.ports, lambda n: tell("starting sessions", n / len(found), None))
    )
    return time.monotonic() - began


def _open_sockets(
    scenario: Scenario,
    found: Sequence[Target],
    where: Stage,
    children: list[Child],
    tell: Tell,
) -> list[Child]:
    """Each session's sockets are spread over the instances, and all over a few processes."""
    seats = [
        Seat(where.ports[(n % len(found) + n // len(found)) % len(where.ports)], n % len(found), "")
        for n in range(scenario.sockets)
    ]
    seats = [seat._replace(session_id=found[seat.session].session_id) for seat in seats]
    opening: list[Child] = []
    for start in range(0, len(seats), _SOCKETS_A_PROCESS):
        opening.append(Child(attend, seats[start : start + _SOCKETS_A_PROCESS]))
        children.append(opening[-1])
    while (opened := sum(child.news or 0 for child in opening)) < len(seats):
        tell("opening sockets", opened / len(seats), None)
        for child in opening:
            child.listen(0.1)
    return opening


def _watch(
    shooter: Child, scenario: Scenario, observer: Observer, looks: list[Look], tell: Tell
) -> Shots:
    began = time.monotonic()
    while not shooter.is_done:
        elapsed = time.monotonic() - began
        if elapsed >= len(looks) * _LOOK_S:
            looks.append(observer.look())
        if shooter.listen(_LOOK_S / 4):
            tell("load", elapsed / scenario.duration_s, shooter.news)
    looks.append(observer.look())
    shots: Shots = shooter.result
    return shots


def _heard_by(listener: Child, last: dict[int, int]) -> Attendance:
    listener.say(last)
    while not listener.is_done:
        listener.listen(1)
    attendance: Attendance = listener.result
    return attendance


def _loop(work: Coroutine[Any, Any, _T]) -> _T:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)
