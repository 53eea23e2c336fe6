"""Deadlines on a cluster: a suspended node delays only the deadlines of its own shards."""

import asyncio
from typing import Any

from functions.workers.deadline_loop import DeadlineLoop
from infra.local.redis_cluster import LocalCluster
from shared.application.event_loop import cancel_and_wait
from shared.application.ports.session_store import Wakeup
from shared.domain.units import Instant, Millis, after
from shared.domain.values import replace
from shared.observability.prometheus import PrometheusMetrics
from tests.integration.cluster.conftest import KEYS, StoreParts, session_id_on, shards_of
from tests.integration.store.commits import commit_for, new_session

_DUE_IN_MS = Millis(1_500)


class WakeupRecorder:
    """Stands in for the service: records when each session was woken, by the store's clock."""

    def __init__(self, parts: StoreParts) -> None:
        self._parts = parts
        self.woken: dict[str, Instant] = {}

    async def handle_deadline(self, claimed: Wakeup) -> None:
        """Record the wake-up and release its claim."""
        self.woken[claimed.name] = (await self._parts.store.load(claimed.name)).now
        await self._parts.store.release(claimed, None)


async def test_deadlines_of_other_shards_are_kept_while_a_node_is_suspended(
    parts: StoreParts, cluster: LocalCluster
) -> None:
    recorder: Any = WakeupRecorder(parts)
    loop = DeadlineLoop(parts.store, recorder, parts.clock, PrometheusMetrics())
    stopped = cluster.owner_of("{s0}")
    stopped_shards = shards_of(cluster, stopped)
    due_at = after(await parts.store.time(), _DUE_IN_MS)
    names = {shard: session_id_on(shard) for shard in KEYS.all_shards}
    for name in names.values():
        change = new_session()
        change = replace(change, session=replace(change.session, session_id=name))
        await parts.store.commit(commit_for(change, wake_at=due_at))
    task = asyncio.create_task(loop.run())
    try:
        await asyncio.sleep(0.5)
        stopped.process.suspend()
        living = {names[shard] for shard in KEYS.all_shards if shard not in stopped_shards}
        async with asyncio.timeout(30):
            while not living <= set(recorder.woken):
                await asyncio.sleep(0.02)
        stopped.process.resume()
        async with asyncio.timeout(30):
            while not set(names.values()) <= set(recorder.woken):
                await asyncio.sleep(0.02)
        assert min(recorder.woken.values()) >= due_at
    finally:
        stopped.process.resume()
        await cancel_and_wait([task])
