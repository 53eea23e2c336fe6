"""Clients that change sessions without a pause, and know what they were told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

import msgspec

from shared.errors import StoreUnavailable
from shared.ports import Commit, Committed
from tests.integration.cluster.conftest import KEYS, Shelf, name_on
from tests.integration.store.commits import new_session, writing

_PAUSE_S = 0.005


@dataclass
class Writer:
    """One session, changed again and again; a change is repeated until it is acknowledged."""

    shelf: Shelf
    shard: str
    acknowledged: list[str] = field(default_factory=list)
    """The operation ids, in order."""
    outages: int = 0
    longest_s: float = 0.0
    at_hand: Commit | None = None
    """Begun, and not acknowledged yet."""

    def __post_init__(self) -> None:
        self.name = name_on(self.shard)

    async def write(self) -> None:
        """Until cancelled; goes on with the change at hand when called again."""
        loop = asyncio.get_running_loop()
        while True:
            self.at_hand = commit = self.at_hand or self._next()
            while commit.operation_id != (self.acknowledged or [""])[-1]:
                began = loop.time()
                try:
                    result = await self.shelf.store.commit(commit)
                except StoreUnavailable:
                    self.outages += 1
                else:
                    assert result == Committed(), result
                    self.acknowledged.append(commit.operation_id)
                    self.at_hand = None
                self.longest_s = max(self.longest_s, loop.time() - began)
                await asyncio.sleep(_PAUSE_S)

    async def check(self) -> None:
        """Assert that the outbox has each change that was acknowledged once, in order, and that
        the session is as the last one left it; one that was not acknowledged may be there."""
        outbox = KEYS.outbox(self.shard)
        (entries,) = await self.shelf.connection.ask([("XRANGE", outbox, "-", "+")])
        told = [msgspec.json.decode(fields[1]) for _, fields in entries]
        own = [entry["operation_id"] for entry in told if entry["session_id"] == self.name]
        assert own[: len(self.acknowledged)] == self.acknowledged
        assert len(own) <= len(self.acknowledged) + 1
        stored = (await self.shelf.store.load(self.name)).stored
        assert stored is not None
        assert stored.revision == own[-1]

    def _next(self) -> Commit:
        change = new_session()
        session = replace(change.session, session_id=self.name, version=len(self.acknowledged) + 1)
        expected = self.acknowledged[-1] if self.acknowledged else None
        return writing(replace(change, session=session), expected)


class Load:
    """Writers on every shard, for the length of a block."""

    def __init__(self, shelf: Shelf, writers: int = 2) -> None:
        self.writers = [Writer(shelf, shard) for shard in KEYS.all_shards for _ in range(writers)]
        self._tasks: list[asyncio.Task[None]] = []

    def of(self, shards: list[str]) -> list[Writer]:
        """Those on `shards`."""
        return [writer for writer in self.writers if writer.shard in shards]

    async def __aenter__(self) -> "Load":
        self._begin()
        await self.goes_on()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._end()

    @asynccontextmanager
    async def begun(self) -> AsyncIterator[None]:
        """The same, without waiting for a first change."""
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

    async def goes_on(self, within_s: float = 5.0) -> None:
        """Return when every writer has had three more changes acknowledged."""
        wanted = [len(writer.acknowledged) + 3 for writer in self.writers]
        async with asyncio.timeout(within_s):
            while any(len(w.acknowledged) < n for w, n in zip(self.writers, wanted, strict=True)):
                for task in self._tasks:
                    if task.done():
                        task.result()
                await asyncio.sleep(0.01)

    async def check(self) -> None:
        """Assert that nothing acknowledged is lost or there twice."""
        for writer in self.writers:
            await writer.check()
