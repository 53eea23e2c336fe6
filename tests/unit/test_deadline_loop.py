"""A deadline loop that ends finishes what it has claimed: nobody else would, until its lease ends.

The store is a fake here, for no real one could be caught between a claim and its answer.
"""

import asyncio
from collections.abc import Sequence
from typing import cast

from functions.workers.deadline_loop import DeadlineLoop
from shared.clock import StoreClock
from shared.domain.units import Instant
from shared.observability.prometheus import PrometheusMetrics
from shared.ports import Agenda, SessionStore, Wakeup
from shared.wakeups import Wakeups

_NOW = Instant(1_000)


class _SlowStore:
    """Answers a claim when it is let."""

    def __init__(self) -> None:
        self.is_asked = asyncio.Event()
        self.may_answer = asyncio.Event()

    async def agendas(self, _: int) -> list[Agenda]:
        return [Agenda(_NOW, (Wakeup("a session", _NOW),))]

    async def claim(self, wakeups: Sequence[Wakeup], until: Instant) -> list[Wakeup]:
        self.is_asked.set()
        await self.may_answer.wait()
        return [Wakeup(wakeup.name, until) for wakeup in wakeups]


class _Wakeups:
    """Notes what it was woken for."""

    def __init__(self) -> None:
        self.woken: list[str] = []

    async def handle_deadline(self, claimed: Wakeup) -> None:
        self.woken.append(claimed.name)


async def test_an_end_between_a_claim_and_its_answer_loses_no_wake_up() -> None:
    store, wakeups = _SlowStore(), _Wakeups()
    loop = DeadlineLoop(
        cast(SessionStore, store),
        cast(Wakeups, wakeups),
        StoreClock(),
        PrometheusMetrics(tells_tenants_apart=False),
    )
    async with asyncio.timeout(5):
        running = asyncio.create_task(loop.run())
        await store.is_asked.wait()
        running.cancel()
        await asyncio.sleep(0)
        store.may_answer.set()
        await asyncio.wait([running])
    assert wakeups.woken == ["a session"]
