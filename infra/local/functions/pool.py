"""A function: as many instances as it needs at the same time, kept for the next invocation."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from infra.local.functions.failures import FunctionFailed, NoneAvailable
from infra.local.functions.instance import Instance


@dataclass(slots=True)
class Counts:
    """What has happened to a function so far."""

    cold_starts: int = 0
    invocations: int = 0
    failures: int = 0


class Pool:
    """The instances of one function, at most `limit` of them."""

    def __init__(
        self, new: Callable[[], Instance], limit: int, write: Callable[[str], None]
    ) -> None:
        self.counts = Counts()
        self._new = new
        self._write = write
        self._room = asyncio.Semaphore(limit)
        self._idle: list[Instance] = []
        self._every: set[Instance] = set()
        self._is_closed = False

    @property
    def process_ids(self) -> list[int]:
        """The processes of the instances that there are."""
        return [i.process_id for i in list(self._every) if i.process_id is not None]

    async def invoke(self, event: Any, patience_s: float | None = None) -> Any:
        """What the function answers to `event`.

        Raises `FunctionFailed`, and `NoneAvailable` if every instance is busy for `patience_s`.
        """
        async with self._turn(patience_s):
            self.counts.invocations += 1
            try:
                return await self._invoke(event)
            except FunctionFailed as failure:
                self.counts.failures += 1
                # The rest of it is what the function printed, which has been written.
                self._write(str(failure).partition("\n")[0])
                raise

    async def snapshot(self) -> None:
        """Prepare an instance: with SnapStart it goes no further than to its snapshot.

        It goes on from there when it is invoked.
        """
        async with self._turn():
            self._idle.append(await self._started())

    async def warm_up(self) -> None:
        """Prepare an instance that answers at once."""
        async with self._turn():
            instance = await self._started()
            await instance.restore()
            self._idle.append(instance)

    async def close(self) -> None:
        """End every instance, whatever it does; there won't be another one."""
        self._is_closed = True
        await asyncio.gather(*(self._drop(instance) for instance in list(self._every)))

    @asynccontextmanager
    async def _turn(self, patience_s: float | None = None) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(patience_s):
                await self._room.acquire()
        except TimeoutError:
            raise NoneAvailable from None
        try:
            yield
        finally:
            self._room.release()

    async def _invoke(self, event: Any) -> Any:
        instance = await self._idle_one()
        try:
            await instance.restore()
            return await instance.invoke(event)
        finally:
            if instance.is_idle:
                self._idle.append(instance)
            else:
                await self._drop(instance)

    async def _idle_one(self) -> Instance:
        while self._idle:
            instance = self._idle.pop()
            if instance.is_idle:
                return instance
            await self._drop(instance)
        return await self._started()

    async def _started(self) -> Instance:
        if self._is_closed:
            raise NoneAvailable
        self.counts.cold_starts += 1
        instance = self._new()
        self._every.add(instance)
        try:
            await instance.start()
        except BaseException:
            await self._drop(instance)
            raise
        return instance

    async def _drop(self, instance: Instance) -> None:
        self._every.discard(instance)
        await instance.stop()
