"""A deadline loop that stops handles the wake-ups that it has claimed.

Otherwise they would wait for the end of their lease. The store is a fake, because a real one can't
be stopped between a claim and its reply.
"""

import asyncio
from collections.abc import Sequence
from typing import cast

from functions.workers.deadline_loop import DeadlineLoop
from shared.application.due_changes import WakeupHandler
from shared.application.ports.session_store import SessionStore, ShardWakeups, Wakeup
from shared.application.store_clock import StoreClock
from shared.domain.units import Instant
from shared.observability.prometheus import PrometheusMetrics

_NOW = Instant(1_000)


class _SlowStore:
    """Replies to a claim when the test allows it."""

    def __init__(self) -> None:
        self.claim_began = asyncio.Event()
        self.may_reply = asyncio.Event()

    async def due_wakeups(self, _: int) -> list[ShardWakeups]:
        return [ShardWakeups(_NOW, (Wakeup("a session", _NOW),))]

    async def claim(self, wakeups: Sequence[Wakeup], until: Instant) -> list[Wakeup]:
        self.claim_began.set()
        await self.may_reply.wait()
        return [Wakeup(wakeup.name, until) for wakeup in wakeups]


class _Wakeups:
    """Records the wake-ups that it handled."""

    def __init__(self) -> None:
        self.handled: list[str] = []

    async def handle_deadline(self, claimed: Wakeup) -> None:
        self.handled.append(claimed.name)


async def test_stopping_between_a_claim_and_its_reply_loses_no_wake_up() -> None:
    store, wakeups = _SlowStore(), _Wakeups()
    loop = DeadlineLoop(
        cast(SessionStore, store),
        cast(WakeupHandler, wakeups),
        StoreClock(),
        PrometheusMetrics(per_tenant=False),
    )
    async with asyncio.timeout(30):
        running = asyncio.create_task(loop.run())
        await store.claim_began.wait()
        running.cancel()
        await asyncio.sleep(0)
        store.may_reply.set()
        await asyncio.wait([running])
    assert wakeups.handled == ["a session"]
