"""Deadlines on a cluster: a node that is gone delays only those of its own shards."""

import asyncio
from dataclasses import replace
from typing import Any

from functions.workers.deadline_loop import DeadlineLoop
from infra.local.redis_cluster import LocalCluster
from shared.domain.units import Instant, Millis, after
from shared.observability.prometheus import PrometheusMetrics
from shared.ports import Wakeup
from shared.tasks import end
from tests.integration.cluster.conftest import KEYS, Shelf, name_on, shards_of
from tests.integration.store.commits import new_session, writing

_IN_MS = Millis(1_500)
_LATE_MS = 500
"""A node that stands still is noticed within 0.3 s; the rest is for a busy machine."""


class Notes:
    """In the service's place: notes when each session was woken, by the store's clock."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self.woken: dict[str, Instant] = {}

    async def handle_deadline(self, claimed: Wakeup) -> None:
        """What the loop calls."""
        self.woken[claimed.name] = (await self._shelf.store.load(claimed.name)).now
        await self._shelf.store.release(claimed, None)


async def test_deadlines_of_other_shards_are_kept_while_a_node_stands_still(
    shelf: Shelf, cluster: LocalCluster
) -> None:
    notes: Any = Notes(shelf)
    loop = DeadlineLoop(shelf.store, notes, shelf.clock, PrometheusMetrics())
    stopped = cluster.owner_of("{s0}")
    hit = shards_of(cluster, stopped)
    due_at = after(await shelf.store.time(), _IN_MS)
    names = {shard: name_on(shard) for shard in KEYS.all_shards}
    for name in names.values():
        change = new_session()
        change = replace(change, session=replace(change.session, session_id=name))
        await shelf.store.commit(writing(change, wake_at=due_at))
    task = asyncio.create_task(loop.run())
    try:
        await asyncio.sleep(0.5)
        stopped.process.suspend()
        living = {names[shard] for shard in KEYS.all_shards if shard not in hit}
        async with asyncio.timeout(5):
            while not living <= set(notes.woken):
                await asyncio.sleep(0.02)
        assert max(notes.woken[name] - due_at for name in living) < _LATE_MS
        stopped.process.resume()
        async with asyncio.timeout(10):
            while not set(names.values()) <= set(notes.woken):
                await asyncio.sleep(0.02)
        assert min(notes.woken.values()) >= due_at
    finally:
        stopped.process.resume()
        await end([task])
