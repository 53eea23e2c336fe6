"""One soak from start to verdict."""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from functions.tools.soak.plan import Mishap, Plan
from functions.tools.soak.players import Ledger, play_all
from functions.tools.soak.stage import Stage, stage
from functions.tools.soak.store import Store
from functions.tools.soak.verdict import Verdict, judge

_DRAIN_TIMEOUT_S = 60.0
_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Report:
    """How it went."""

    accepted: int
    retries: int
    mishaps: int
    most_waiting: int
    drained_s: float
    """From the last answer until nothing waited any more."""
    dead_letters: int
    verdict: Verdict


def soak(
    plan: Plan,
    tell_change: Callable[[], None] = lambda: None,
    tell_mishap: Callable[[float, str], None] = lambda at, what: None,
) -> Report:
    """Play, let everything go wrong, wait until all is quiet, compare.

    Raises `SoakFailed`, or what the servers raise that do not start.
    """
    with stage(plan) as place:
        ledger = Ledger(tell_change)
        watch = _Watch(place.store)
        mishaps = asyncio.run(_play(place, plan, ledger, watch, tell_mishap))
        ended = time.monotonic()
        while watch.waiting() and time.monotonic() < ended + _DRAIN_TIMEOUT_S:
            time.sleep(_POLL_S)
        return Report(
            accepted=len(ledger.accepted),
            retries=ledger.retries,
            mishaps=mishaps,
            most_waiting=watch.most,
            drained_s=time.monotonic() - ended,
            dead_letters=place.store.dead_letters(),
            verdict=judge(place.trail.postgres.url, ledger, place.store, plan.lag_s),
        )


class _Watch:
    """Looks into the outbox."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.most = 0

    def waiting(self) -> int:
        """How many entries wait."""
        count = self._store.waiting()
        self.most = max(self.most, count)
        return count


async def _play(
    place: Stage,
    plan: Plan,
    ledger: Ledger,
    watch: _Watch,
    tell: Callable[[float, str], None],
) -> int:
    """Play and suffer; returns how many mishaps there were."""
    begun = time.monotonic()
    playing = asyncio.create_task(play_all(place.url, plan, ledger))
    suffering = asyncio.create_task(_suffer(place, plan, ledger, begun, tell))
    try:
        while not playing.done():
            await asyncio.to_thread(watch.waiting)
            await asyncio.wait({playing}, timeout=_POLL_S)
        await playing
        return await suffering
    finally:
        suffering.cancel()


async def _suffer(
    place: Stage, plan: Plan, ledger: Ledger, begun: float, tell: Callable[[float, str], None]
) -> int:
    away: asyncio.Task[None] | None = None
    failover: asyncio.Task[None] | None = None
    mishaps: Iterable[tuple[float, Mishap]] = plan.mishaps()
    count = 0
    for at, mishap in mishaps:
        await asyncio.sleep(max(0, begun + at - time.monotonic()))
        if mishap == "database crashed" and away:
            await away  # what is away can't crash
        tell(time.monotonic() - begun, mishap)
        count += 1
        match mishap:
            case "worker killed":
                place.worker.kill()
                place.worker.start()
            case "service killed":
                place.service.kill()
                place.service.start()
            case "database away":
                away = asyncio.create_task(_outage(place, plan.outage_s))
            case "primary killed":
                failover = asyncio.create_task(_failover(place.store, ledger, plan.lag_s))
            case "database crashed":
                await asyncio.to_thread(place.trail.crash)
                await asyncio.to_thread(place.trail.start)
    for task in (away, failover):
        if task:
            await task
    return count


async def _failover(store: Store, ledger: Ledger, lag_s: float) -> None:
    """Not while the service is down: what it does not acknowledge can't be lost."""
    before = len(ledger.accepted)
    while len(ledger.accepted) == before:
        await asyncio.sleep(_POLL_S)
    await asyncio.to_thread(store.fail_over, lag_s)


async def _outage(place: Stage, seconds: float) -> None:
    await asyncio.to_thread(place.trail.stop)
    await asyncio.sleep(seconds)
    await asyncio.to_thread(place.trail.start)
