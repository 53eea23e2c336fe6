"""A connection whose failures are counted, whichever product is behind it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TypeVar

from shared.errors import StoreUnavailable
from shared.metrics.ports import StoreFault
from shared.store.connection import Argument, Attempt, Command, Connection, Reply, Script

_T = TypeVar("_T")


class ObservedConnection:
    """`Connection` through `inner`; `count` is told of each round trip that failed, and why."""

    def __init__(self, inner: Connection, count: Callable[[StoreFault], None]) -> None:
        self._inner = inner
        self._count = count

    async def ask(self, commands: Sequence[Command | Attempt]) -> list[Reply]:
        return await self._counting(self._inner.ask(commands))

    async def ask_each(
        self, groups: Sequence[Sequence[Command]]
    ) -> list[list[Reply] | StoreUnavailable]:
        outcomes = await self._counting(self._inner.ask_each(groups))
        for outcome in outcomes:
            if isinstance(outcome, StoreUnavailable):
                self._count(fault_of(outcome))
        return outcomes

    async def run(
        self, script: Script, keys: Sequence[str], arguments: Sequence[Argument]
    ) -> Reply:
        return await self._counting(self._inner.run(script, keys, arguments))

    async def close(self) -> None:
        await self._inner.close()

    async def _counting(self, round_trip: Awaitable[_T]) -> _T:
        try:
            return await round_trip
        except StoreUnavailable as error:
            self._count(fault_of(error))
            raise
        except asyncio.CancelledError:
            self._count("timeout")  # whoever asked has waited long enough (shared/turns.py)
            raise


def fault_of(error: StoreUnavailable) -> StoreFault:
    """Why it failed; by name, since each client has exceptions of its own."""
    causes = {name for cause in _chain(error.__cause__) for name in _names(cause)}
    if "TimeoutError" in causes or "TimeoutException" in causes:
        return "timeout"
    if causes & {"OSError", "TransportError"}:
        return "connection"
    return "refused"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error:
        yield error
        error = error.__cause__


def _names(error: BaseException) -> Iterator[str]:
    return (kind.__name__ for kind in type(error).__mro__)
