"""Runs a scenario: starts servers, sessions and sockets, makes the load, collects the results."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import uvloop

from tests.load import contention, generator, targets
from tests.load.attendance import SubscriberResults, Subscription
from tests.load.generator import LoadProgress, LoadResults
from tests.load.observation import Observation, Observer
from tests.load.processes import ChildProcess
from tests.load.scenarios import Scenario
from tests.load.stage import Servers, raise_file_limit, running_servers
from tests.load.subscribers import subscribe
from tests.load.targets import Target

_T = TypeVar("_T")

_SOCKETS_PER_PROCESS = 5_000
_OBSERVE_EVERY_S = 1.0

ReportProgress = Callable[[str, float, LoadProgress | None], None]
"""Called with the phase, the share of it that is done, and the progress of the load."""


@dataclass
class Record:
    """Everything that a run measured."""

    scenario: Scenario
    results: LoadResults
    versions_before: dict[int, int] = field(default_factory=dict)
    versions_after: dict[int, int] = field(default_factory=dict)
    """Versions by session number, before and after the load."""
    subscriber_results: list[SubscriberResults] = field(default_factory=list)
    observations: list[Observation] = field(default_factory=list)
    setup_s: float = 0
    opening_s: float = 0
    lateness_before: Counter[float] = field(default_factory=Counter)
    lateness_after: Counter[float] = field(default_factory=Counter)
    outbox: int = 0


def run(scenario: Scenario, report_progress: ReportProgress) -> Record:
    """Run `scenario` on new servers. Raises `LoadFailed`."""
    raise_file_limit(scenario.sockets)
    report_progress("starting the servers", 0, None)
    with running_servers(scenario.instances) as servers:
        return run_on(servers, scenario, report_progress)


def run_on(servers: Servers, scenario: Scenario, report_progress: ReportProgress) -> Record:
    """Run `scenario` on running servers. Raises `LoadFailed`."""
    observer, children = Observer(servers), list[ChildProcess]()
    try:
        return _run(scenario, servers, observer, children, report_progress)
    finally:
        for child in children:
            child.stop()
        observer.close()


def _run(
    scenario: Scenario,
    servers: Servers,
    observer: Observer,
    children: list[ChildProcess],
    report_progress: ReportProgress,
) -> Record:
    sessions, record = targets.make_targets(scenario), Record(scenario, LoadResults(0))
    if scenario.pattern != "people":
        record.setup_s = _set_up(sessions, servers, report_progress)
        record.versions_before = _run_async(targets.read_versions(sessions, servers.ports[0]))
    began = time.monotonic()
    subscribers = _open_sockets(scenario, sessions, servers, children, report_progress)
    record.opening_s = time.monotonic() - began
    record.lateness_before = observer.lateness_histogram()
    work = contention.contend if scenario.pattern == "contention" else generator.send_schedule
    load_process = ChildProcess(work, scenario, sessions, servers.ports)
    children.append(load_process)
    record.results = _observe_load(
        load_process, scenario, observer, record.observations, report_progress
    )
    record.lateness_after = observer.lateness_histogram()
    report_progress("waiting for the last pushes", 0, None)
    record.versions_after = _run_async(targets.read_versions(sessions, servers.ports[0]))
    record.subscriber_results = [
        _collect_results(subscriber, record.versions_after) for subscriber in subscribers
    ]
    report_progress("waiting for the audit trail", 0, None)
    record.outbox = observer.wait_for_outbox()
    return record


def _set_up(sessions: Sequence[Target], servers: Servers, report_progress: ReportProgress) -> float:
    began = time.monotonic()
    _run_async(
        targets.start_sessions(
            sessions,
            servers.ports,
            lambda n: report_progress("starting sessions", n / len(sessions), None),
        )
    )
    return time.monotonic() - began


def _open_sockets(
    scenario: Scenario,
    sessions: Sequence[Target],
    servers: Servers,
    children: list[ChildProcess],
    report_progress: ReportProgress,
) -> list[ChildProcess]:
    """Spread each session's sockets over the instances, and all sockets over few processes.

    Of the sockets of exams, every second one asks for differences.
    """
    subscriptions = [
        Subscription(
            servers.ports[(n % len(sessions) + n // len(sessions)) % len(servers.ports)],
            n % len(sessions),
            "",
        )
        for n in range(scenario.sockets)
    ]
    subscriptions = [
        subscription._replace(
            session_id=sessions[subscription.session].session_id,
            differences=scenario.pattern == "finishes" and n % 2 == 1,
        )
        for n, subscription in enumerate(subscriptions)
    ]
    processes: list[ChildProcess] = []
    for start in range(0, len(subscriptions), _SOCKETS_PER_PROCESS):
        processes.append(
            ChildProcess(subscribe, subscriptions[start : start + _SOCKETS_PER_PROCESS])
        )
        children.append(processes[-1])
    while (opened := sum(child.progress or 0 for child in processes)) < len(subscriptions):
        report_progress("opening sockets", opened / len(subscriptions), None)
        for child in processes:
            child.receive(0.1)
    return processes


def _observe_load(
    load_process: ChildProcess,
    scenario: Scenario,
    observer: Observer,
    observations: list[Observation],
    report_progress: ReportProgress,
) -> LoadResults:
    began = time.monotonic()
    while not load_process.is_done:
        elapsed = time.monotonic() - began
        if elapsed >= len(observations) * _OBSERVE_EVERY_S:
            observations.append(observer.observe())
        if load_process.receive(_OBSERVE_EVERY_S / 4):
            report_progress("load", elapsed / scenario.duration_s, load_process.progress)
    observations.append(observer.observe())
    results: LoadResults = load_process.result
    return results


def _collect_results(subscriber: ChildProcess, last: dict[int, int]) -> SubscriberResults:
    subscriber.send(last)
    while not subscriber.is_done:
        subscriber.receive(1)
    results: SubscriberResults = subscriber.result
    return results


def _run_async(work: Coroutine[Any, Any, _T]) -> _T:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)
