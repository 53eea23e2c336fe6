"""Measures one size of a part on its own servers."""

import asyncio
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import uvloop

from tests.load.bench import wrk
from tests.load.bench.figures import Figures, percentile, summarize
from tests.load.bench.wrk import Load
from tests.load.deliveries import delivery_latencies
from tests.load.failure import LoadFailed
from tests.load.run import Record, run
from tests.load.scaling.parts import Size
from tests.load.scenarios import SCENARIOS
from tests.load.stage import Servers, raise_file_limit, running_servers
from tests.load.targets import games, start_sessions
from tests.load.usage import Role, cpu_percent, process_tree, read_usage

_WARM_UP_S = 2
_FEWEST_SWITCHES = 10

ReportPhase = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Measured:
    """The figures of one size; latencies in ms."""

    size: Size
    rate: float
    """Switches per second that were answered with 2xx."""
    switch: Figures
    delivery: Figures | None
    busy: Mapping[Role, Sequence[float]]
    """Percent of one core by role, a list with each process, the busiest first."""
    errors: int
    """Number of failed switches, missed pushes and lost sockets."""
    late_ms: float = 0.0
    """p99 of the generator's lateness in ms; 0 in a closed loop, which has no due times."""

    def cost_us(self, role: Role) -> float:
        """Return the processor time in us that all processes of `role` took per switch."""
        return sum(self.busy.get(role, ())) * 10_000 / self.rate if self.rate else 0.0


def measure(size: Size, seconds: float, report_phase: ReportPhase) -> Measured:
    """Measure `size` for about `seconds`. Raises `LoadFailed`."""
    return (
        _at_a_rate(size, seconds, report_phase)
        if size.rate
        else _at_full_speed(size, seconds, report_phase)
    )


def _at_full_speed(size: Size, seconds: float, report_phase: ReportPhase) -> Measured:
    """Closed loop: 16 connections to each instance, each sends again after the response."""
    report_phase("starting the servers")
    other_processes = process_tree().keys() - {os.getpid()}
    with running_servers(size.instances, cluster=size.cluster) as servers:
        sessions = games(size.sessions, size.participants)
        report_phase(f"starting {size.sessions} sessions")
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(start_sessions(sessions, servers.ports, lambda _: None))
        report_phase("switching")
        load = Load("POST", "/v1/sessions/ID/switch", "{}", [t.session_id for t in sessions])
        return _measure_switches(size, servers, load, seconds, other_processes)


def _measure_switches(
    size: Size, servers: Servers, load: Load, seconds: float, other_processes: Collection[int]
) -> Measured:
    urls = [instance.url for instance in servers.instances]
    wrk.run_wrk(load, urls, _WARM_UP_S)
    before = read_usage(servers.pids, excluded=other_processes)
    switch = wrk.run_wrk(load, urls, seconds)
    busy = cpu_percent(before, read_usage(servers.pids, excluded=other_processes))
    rate = (switch.rate or 0.0) - switch.errors / seconds
    return Measured(size, max(0.0, rate), switch, None, busy, switch.errors)


def _at_a_rate(size: Size, seconds: float, report_phase: ReportPhase) -> Measured:
    """Open loop: each switch is sent when it is due, whether or not others were answered."""
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
    raise_file_limit(size.sockets)
    record = run(scenario, lambda phase, share, progress: report_phase(phase))
    sent = [sample for sample in record.results.samples if sample.at_s >= _WARM_UP_S]
    latencies_ms = [sample.ms for sample in sent if 200 <= sample.status < 300]
    deliveries_ms = [ms for at_s, ms in delivery_latencies(record) if at_s >= _WARM_UP_S]
    if not latencies_ms or not deliveries_ms:
        raise LoadFailed("No switch was answered, or none was delivered: use more --seconds.")
    missed = sum(item.missed + item.lost for item in record.subscriber_results)
    return Measured(
        size,
        len(latencies_ms) / seconds,
        summarize(latencies_ms),
        summarize(deliveries_ms),
        _busy(record),
        record.results.errors.total() + missed,
        percentile(sorted(sample.late_ms for sample in sent), 99),
    )


def _busy(record: Record) -> dict[Role, list[float]]:
    began_s = record.results.began_s + _WARM_UP_S
    first = next(
        (observation for observation in record.observations if observation.at_s >= began_s),
        record.observations[0],
    )
    return cpu_percent(first.usage, record.observations[-1].usage)
