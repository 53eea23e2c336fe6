"""A session store, its outbox and audit workers; only a test's own workers empty the outbox."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from functions.workers.audit_worker import AuditWorker
from shared.application.event_loop import cancel_and_wait
from shared.application.ports.audit_log import AuditLog
from shared.application.store_clock import StoreClock
from shared.domain.events import SessionChange
from shared.domain.values import replace
from shared.observability.prometheus import PrometheusMetrics
from shared.store.keys import StoreKeys
from shared.store.outbox import RedisOutbox
from shared.store.sessions import RedisSessionStore
from tests.support.native_redis import native_connection_of
from tests.support.scenarios import commit_of, last_session

_SHARDS = 3
TIMEOUT_S = 10.0


@dataclass
class OutboxSetup:
    """A store to commit to, its outbox, and the audit trail that workers write to."""

    redis: Redis
    audit: AuditLog

    def __post_init__(self) -> None:
        self.keys = StoreKeys(_SHARDS)
        self.clock = StoreClock()
        connection = native_connection_of(self.redis)
        self.store = RedisSessionStore(connection, self.keys, self.clock)
        self.outbox = RedisOutbox(connection, self.keys)
        self.metrics = PrometheusMetrics()

    def worker(self, audit: AuditLog | None = None) -> AuditWorker:
        """Return a new worker that writes to `audit`, or else to the desk's audit trail."""
        return AuditWorker(self.outbox, audit or self.audit, self.clock, self.metrics)

    async def commit(self, *stories: list[SessionChange]) -> None:
        """Commit all changes of `stories` to the store."""
        for changes in stories:
            revision = None
            for change in changes:
                commit = commit_of(change)
                await self.store.commit(replace(commit, expected=revision))
                revision = commit.operation_id

    async def put(self, name: str, entry: bytes) -> None:
        """Add `entry` to the outbox directly, without a commit."""
        outbox = self.keys.outbox(self.keys.shard_of(name))
        await self.redis.xadd(outbox, {"entry": entry})

    async def waiting(self) -> int:
        """Return the number of entries in the outbox."""
        return (await self.store.statistics()).outbox_length

    async def drained(self, within_s: float = TIMEOUT_S) -> None:
        """Wait until the outbox is empty. Raises `TimeoutError` after `within_s` seconds."""
        async with asyncio.timeout(within_s):
            while await self.waiting():
                await asyncio.sleep(0.01)

    async def dead_letters(self) -> list[dict[str, str]]:
        """Return the entries that couldn't be written, with their reasons."""
        letters: list[Any] = []
        for shard in self.keys.all_shards:
            letters += await self.redis.xrange(self.keys.dead_letters(shard)) or []
        return [
            {k.decode(): v.decode(errors="replace") for k, v in fields.items()}
            for _, fields in letters
        ]

    async def versions(self, changes: list[SessionChange]) -> list[int]:
        """Return the versions of that session in the audit trail."""
        name = last_session(changes).name
        return [event.version for event in await self.audit.events(name, 0, 1000)]


@asynccontextmanager
async def running_workers(*workers: AuditWorker) -> AsyncIterator[None]:
    """Run the workers' loops within the block."""
    loops = [asyncio.create_task(worker.run()) for worker in workers]
    try:
        yield
    finally:
        await cancel_and_wait(loops)
