"""The instances of a function: started on demand and reused by later invocations."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from infra.local.functions.instance import ExecutionEnvironment
from infra.local.functions.runtime_api import FunctionError


class ConcurrencyLimitExceeded(Exception):
    """No instance became free in time, or the function is shutting down."""


@dataclass(slots=True)
class FunctionMetrics:
    """A function's metrics since the start."""

    cold_starts: int = 0
    invocations: int = 0


class InstancePool:
    """The instances of one function, at most `limit` at once."""

    def __init__(
        self, new: Callable[[], ExecutionEnvironment], limit: int, write: Callable[[str], None]
    ) -> None:
        self.counts = FunctionMetrics()
        self._new = new
        self._write = write
        self._slots = asyncio.Semaphore(limit)
        self._idle: list[ExecutionEnvironment] = []
        self._instances: set[ExecutionEnvironment] = set()
        self._is_closed = False

    async def invoke(self, event: Any, wait_timeout_s: float | None = None) -> Any:
        """Invoke the function and return its result.

        Raises `FunctionError`, and `ConcurrencyLimitExceeded` if all instances stay busy for
        `wait_timeout_s` (`None`: no limit) or the pool is closed.
        """
        async with self._slot(wait_timeout_s):
            self.counts.invocations += 1
            try:
                return await self._invoke(event)
            except FunctionError as failure:
                # The other lines are the function's output, which is already written.
                self._write(str(failure).partition("\n")[0])
                raise

    async def snapshot(self) -> None:
        """Start an instance; with SnapStart, only up to its snapshot.

        The next invocation restores it.
        """
        async with self._slot():
            self._idle.append(await self._start())

    async def warm_up(self) -> None:
        """Start an instance, restore it if it uses SnapStart, and keep it idle."""
        async with self._slot():
            instance = await self._start()
            await instance.restore()
            self._idle.append(instance)

    async def close(self) -> None:
        """Stop all instances, busy ones too, and start no more."""
        self._is_closed = True
        await asyncio.gather(*(self._stop(instance) for instance in list(self._instances)))

    @asynccontextmanager
    async def _slot(self, wait_timeout_s: float | None = None) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(wait_timeout_s):
                await self._slots.acquire()
        except TimeoutError:
            raise ConcurrencyLimitExceeded from None
        try:
            yield
        finally:
            self._slots.release()

    async def _invoke(self, event: Any) -> Any:
        instance = await self._idle_or_new()
        try:
            await instance.restore()
            return await instance.invoke(event)
        finally:
            if instance.is_idle:
                self._idle.append(instance)
            else:
                await self._stop(instance)

    async def _idle_or_new(self) -> ExecutionEnvironment:
        while self._idle:
            instance = self._idle.pop()
            if instance.is_idle:
                return instance
            await self._stop(instance)
        return await self._start()

    async def _start(self) -> ExecutionEnvironment:
        if self._is_closed:
            raise ConcurrencyLimitExceeded
        self.counts.cold_starts += 1
        instance = self._new()
        self._instances.add(instance)
        try:
            await instance.start()
        except BaseException:
            await self._stop(instance)
            raise
        return instance

    async def _stop(self, instance: ExecutionEnvironment) -> None:
        self._instances.discard(instance)
        await instance.stop()
