"""Runs a soak test: load, failures, comparison with the audit trail."""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tests.resilience.soak.comparison import TrailComparison, compare_with_trail
from tests.resilience.soak.environment import SoakEnvironment, soak_environment
from tests.resilience.soak.plan import InjectedFailure, SoakPlan
from tests.resilience.soak.players import AnswerLog, play_all
from tests.resilience.soak.store import RedisInspector

_DRAIN_TIMEOUT_S = 60.0
_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class SoakReport:
    """Result of a soak test."""

    accepted: int
    retries: int
    mishaps: int
    most_waiting: int
    drain_time_s: float
    """Seconds from the last answer until the outbox was empty."""
    dead_letters: int
    verdict: TrailComparison


def run_soak(
    plan: SoakPlan,
    on_change: Callable[[], None] = lambda: None,
    on_failure: Callable[[float, str], None] = lambda at, what: None,
) -> SoakReport:
    """Run the load, inject failures, wait until the outbox is empty, compare with the trail.

    `on_change` is called for each accepted change, `on_failure` with the time (s from the start)
    and the name of each injected failure. Raises `SoakError`, or the error of a server that
    doesn't start.
    """
    with soak_environment(plan) as servers:
        ledger = AnswerLog(on_change)
        outbox = _OutboxMonitor(servers.store)
        mishaps = asyncio.run(_play(servers, plan, ledger, outbox, on_failure))
        ended = time.monotonic()
        while outbox.waiting() and time.monotonic() < ended + _DRAIN_TIMEOUT_S:
            time.sleep(_POLL_S)
        return SoakReport(
            accepted=len(ledger.accepted),
            retries=ledger.retries,
            mishaps=mishaps,
            most_waiting=outbox.most,
            drain_time_s=time.monotonic() - ended,
            dead_letters=servers.store.dead_letters(),
            verdict=compare_with_trail(
                servers.trail.postgres.url, ledger, servers.store, plan.lag_s
            ),
        )


class _OutboxMonitor:
    """Counts the entries in the outbox and keeps the maximum."""

    def __init__(self, store: RedisInspector) -> None:
        self._store = store
        self.most = 0

    def waiting(self) -> int:
        """Return the number of entries in the outbox."""
        count = self._store.waiting()
        self.most = max(self.most, count)
        return count


async def _play(
    servers: SoakEnvironment,
    plan: SoakPlan,
    ledger: AnswerLog,
    outbox: _OutboxMonitor,
    on_failure: Callable[[float, str], None],
) -> int:
    """Run load and failures; return the number of injected failures."""
    started = time.monotonic()
    playing = asyncio.create_task(play_all(servers.url, plan, ledger))
    injecting = asyncio.create_task(_inject_failures(servers, plan, ledger, started, on_failure))
    try:
        while not playing.done():
            await asyncio.to_thread(outbox.waiting)
            await asyncio.wait({playing}, timeout=_POLL_S)
        await playing
        return await injecting
    finally:
        injecting.cancel()


async def _inject_failures(
    servers: SoakEnvironment,
    plan: SoakPlan,
    ledger: AnswerLog,
    started: float,
    on_failure: Callable[[float, str], None],
) -> int:
    outage: asyncio.Task[None] | None = None
    failover: asyncio.Task[None] | None = None
    mishaps: Iterable[tuple[float, InjectedFailure]] = plan.mishaps()
    count = 0
    for at, mishap in mishaps:
        await asyncio.sleep(max(0, started + at - time.monotonic()))
        if mishap == "database crashed" and outage:
            await outage  # a stopped database can't crash
        on_failure(time.monotonic() - started, mishap)
        count += 1
        match mishap:
            case "worker killed":
                servers.worker.kill()
                servers.worker.start()
            case "service killed":
                servers.service.kill()
                servers.service.start()
            case "database stopped":
                outage = asyncio.create_task(_outage(servers, plan.outage_s))
            case "primary killed":
                failover = asyncio.create_task(_failover(servers.store, ledger, plan.lag_s))
            case "database crashed":
                await asyncio.to_thread(servers.trail.crash)
                await asyncio.to_thread(servers.trail.start)
    for task in (outage, failover):
        if task:
            await task
    return count


async def _failover(store: RedisInspector, ledger: AnswerLog, lag_s: float) -> None:
    """Kill a primary once the service accepts changes: only accepted changes can be lost."""
    before = len(ledger.accepted)
    while len(ledger.accepted) == before:
        await asyncio.sleep(_POLL_S)
    await asyncio.to_thread(store.fail_over, lag_s)


async def _outage(servers: SoakEnvironment, seconds: float) -> None:
    await asyncio.to_thread(servers.trail.stop)
    await asyncio.sleep(seconds)
    await asyncio.to_thread(servers.trail.start)
