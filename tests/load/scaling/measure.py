"""Measures one size of a part, on servers of its own."""

import asyncio
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import uvloop

from tests.load.bench import wrk
from tests.load.bench.figures import Figures, percentile, summarize
from tests.load.bench.wrk import Load
from tests.load.deliveries import deliveries
from tests.load.failure import LoadFailed
from tests.load.run import Record, run
from tests.load.scaling.parts import Size
from tests.load.scenarios import SCENARIOS
from tests.load.stage import Stage, allow_files, stage
from tests.load.targets import begin, games
from tests.load.usage import Role, family, shares, usage

_WARM_UP_S = 2
_FEWEST_SWITCHES = 10

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Measured:
    """The figures of one size; times in ms."""

    size: Size
    rate: float
    """Switches a second that were answered with 2xx."""
    switch: Figures
    delivery: Figures | None
    busy: Mapping[Role, Sequence[float]]
    """Percent of one core that each process used, the busiest first."""
    errors: int
    """Switches that were not answered with 2xx, pushes that never came and sockets that closed."""
    late_ms: float = 0.0
    """p99 of how late the generator sent; 0 in a closed loop, which has no due times."""

    def cost_us(self, role: Role) -> float:
        """Microseconds of processor time that all processes of `role` took for one switch."""
        return sum(self.busy.get(role, ())) * 10_000 / self.rate if self.rate else 0.0


def measure(size: Size, seconds: float, tell: Tell) -> Measured:
    """Measure `size` for about `seconds`. Raises `LoadFailed` where that can't be done."""
    return _at_a_rate(size, seconds, tell) if size.rate else _at_full_speed(size, seconds, tell)


def _at_full_speed(size: Size, seconds: float, tell: Tell) -> Measured:
    """A closed loop: each of 16 connections to each instance sends again when it has its answer."""
    tell("starting the servers")
    bystanders = family().keys() - {os.getpid()}
    with stage(size.instances, cluster=size.cluster) as where:
        found = games(size.sessions, size.participants)
        tell(f"starting {size.sessions} sessions")
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(begin(found, where.ports, lambda _: None))
        tell("switching")
        load = Load("POST", "/v1/sessions/ID/switch", "{}", [t.session_id for t in found])
        return _switched(size, where, load, seconds, bystanders)


def _switched(
    size: Size, where: Stage, load: Load, seconds: float, bystanders: Collection[int]
) -> Measured:
    urls = [instance.url for instance in where.instances]
    wrk.run_wrk(load, urls, _WARM_UP_S)
    before = usage(where.pids, without=bystanders)
    switch = wrk.run_wrk(load, urls, seconds)
    busy = shares(before, usage(where.pids, without=bystanders))
    rate = (switch.rate or 0.0) - switch.errors / seconds
    return Measured(size, max(0.0, rate), switch, None, busy, switch.errors)


def _at_a_rate(size: Size, seconds: float, tell: Tell) -> Measured:
    """An open loop: each switch is sent when it is due, whether or not others were answered."""
    seconds = max(seconds, _FEWEST_SWITCHES / size.rate)
    scenario = replace(
        SCENARIOS["crowd-2500"],
        sessions=size.sessions,
        sockets=size.sockets,
        instances=size.instances,
        rate=size.rate,
        duration_s=_WARM_UP_S + seconds,
        warm_up_s=_WARM_UP_S,
    )
    allow_files(size.sockets)
    record = run(scenario, lambda phase, share, news: tell(phase))
    sent = [sample for sample in record.shots.samples if sample.at_s >= _WARM_UP_S]
    switched = [sample.ms for sample in sent if 200 <= sample.status < 300]
    delivered = [ms for at_s, ms in deliveries(record) if at_s >= _WARM_UP_S]
    if not switched or not delivered:
        raise LoadFailed("No switch was answered, or none was delivered: take more --seconds.")
    missed = sum(one.missed + one.lost for one in record.attendances)
    return Measured(
        size,
        len(switched) / seconds,
        summarize(switched),
        summarize(delivered),
        _busy(record),
        record.shots.errors.total() + missed,
        percentile(sorted(sample.late_ms for sample in sent), 99),
    )


def _busy(record: Record) -> dict[Role, list[float]]:
    began_s = record.shots.began_s + _WARM_UP_S
    first = next((look for look in record.looks if look.at_s >= began_s), record.looks[0])
    return shares(first.usage, record.looks[-1].usage)
