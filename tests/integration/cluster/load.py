"""Clients that change sessions continuously and record which changes were acknowledged."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import msgspec

from shared.application.errors import StoreUnavailable
from shared.application.ports.commit import Commit, Committed
from shared.domain.values import replace
from tests.integration.cluster.conftest import KEYS, StoreParts, session_id_on
from tests.integration.store.commits import commit_for, new_session

_PAUSE_S = 0.005
_TIMEOUT_S = 30.0


@dataclass
class Writer:
    """Changes one session continuously; repeats each change until it is acknowledged."""

    parts: StoreParts
    shard: str
    acknowledged: list[str] = field(default_factory=list)
    """Operation ids, in order."""
    outages: int = 0
    pending: Commit | None = None
    """The change that was sent and isn't acknowledged yet."""

    def __post_init__(self) -> None:
        self.name = session_id_on(self.shard)

    async def write(self) -> None:
        """Write until cancelled. Another call continues with the pending change."""
        while True:
            self.pending = commit = self.pending or self._next()
            while commit.operation_id != (self.acknowledged or [""])[-1]:
                try:
                    result = await self.parts.store.commit(commit)
                except StoreUnavailable:
                    self.outages += 1
                else:
                    assert result == Committed(), result
                    self.acknowledged.append(commit.operation_id)
                    self.pending = None
                await asyncio.sleep(_PAUSE_S)

    async def check(self) -> None:
        """Assert that the outbox has each acknowledged change once, in order, and that the session
        is in the state of the last one. One unacknowledged change may follow them."""
        outbox = KEYS.outbox(self.shard)
        (entries,) = await self.parts.connection.ask([("XRANGE", outbox, "-", "+")])
        decoded = [msgspec.json.decode(fields[1]) for _, fields in entries]
        own = [entry["operation_id"] for entry in decoded if entry["session_id"] == self.name]
        assert own[: len(self.acknowledged)] == self.acknowledged
        assert len(own) <= len(self.acknowledged) + 1
        stored = (await self.parts.store.load(self.name)).stored
        assert stored is not None
        assert stored.revision == own[-1]

    def _next(self) -> Commit:
        change = new_session()
        session = replace(change.session, session_id=self.name, version=len(self.acknowledged) + 1)
        expected = self.acknowledged[-1] if self.acknowledged else None
        return commit_for(replace(change, session=session), expected)


class WriteLoad:
    """Writers on every shard that run until the end of a block."""

    def __init__(self, parts: StoreParts, writers: int = 2) -> None:
        self.writers = [Writer(parts, shard) for shard in KEYS.all_shards for _ in range(writers)]
        self._tasks: list[asyncio.Task[None]] = []

    def writers_on(self, shards: list[str]) -> list[Writer]:
        """Return the writers on `shards`."""
        return [writer for writer in self.writers if writer.shard in shards]

    async def __aenter__(self) -> "WriteLoad":
        self._begin()
        await self.wait_for_progress()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._end()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the writers without waiting for their first changes."""
        self._begin()
        try:
            yield
        finally:
            await self._end()

    def _begin(self) -> None:
        self._tasks = [asyncio.create_task(writer.write()) for writer in self.writers]

    async def _end(self) -> None:
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task

    async def wait_for_progress(self) -> None:
        """Wait until every writer has had three more changes acknowledged, for 30 s at most."""
        wanted = [len(writer.acknowledged) + 3 for writer in self.writers]
        async with asyncio.timeout(_TIMEOUT_S):
            while any(len(w.acknowledged) < n for w, n in zip(self.writers, wanted, strict=True)):
                for task in self._tasks:
                    if task.done():
                        task.result()
                await asyncio.sleep(0.01)

    async def check(self) -> None:
        """Assert that no acknowledged change was lost or written twice."""
        for writer in self.writers:
            await writer.check()
