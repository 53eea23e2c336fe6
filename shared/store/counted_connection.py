"""A wrapper that counts the failures of a connection in the metrics."""

import asyncio
from collections.abc import Callable, Hashable, Iterator, Sequence

from shared.application.errors import StoreUnavailable
from shared.application.ports.metrics import StoreErrorKind
from shared.store.connection import (
    Arguments,
    Command,
    GroupOutcome,
    OptionalScript,
    Reply,
    Script,
    StoreConnection,
)


class CountedConnection:
    """`StoreConnection` that delegates to `inner` and calls `count` with each failure's kind."""

    def __init__(self, inner: StoreConnection, count: Callable[[StoreErrorKind], None]) -> None:
        self._inner = inner
        self._count = count

    async def ask(self, commands: Sequence[Command | OptionalScript]) -> list[Reply]:
        try:
            return await self._inner.ask(commands)
        except (StoreUnavailable, asyncio.CancelledError) as error:
            self._note(error)
            raise

    async def execute_groups(self, groups: Sequence[Sequence[Command]]) -> list[GroupOutcome]:
        try:
            outcomes = await self._inner.execute_groups(groups)
        except (StoreUnavailable, asyncio.CancelledError) as error:
            self._note(error)
            raise
        for outcome in outcomes:
            if isinstance(outcome, StoreUnavailable):
                self._count(fault_kind(outcome))
        return outcomes

    async def run(self, script: Script, keys: Sequence[str], arguments: Arguments) -> Reply:
        try:
            return await self._inner.run(script, keys, arguments)
        except (StoreUnavailable, asyncio.CancelledError) as error:
            self._note(error)
            raise

    def route(self, key: str) -> Hashable | None:
        return self._inner.route(key)

    async def close(self) -> None:
        await self._inner.close()

    def _note(self, error: StoreUnavailable | asyncio.CancelledError) -> None:
        """Count a failed round trip; a cancelled one exceeded the limit of `store_timeout`."""
        self._count(fault_kind(error) if isinstance(error, StoreUnavailable) else "timeout")


def fault_kind(error: StoreUnavailable) -> StoreErrorKind:
    """Return the kind of a failure, by exception names, because each client has its own types."""
    causes = {name for cause in causes_of(error) for name in _names(cause)}
    if "TimeoutError" in causes or "TimeoutException" in causes:
        return "timeout"
    if causes & {"OSError", "TransportError"}:
        return "connection"
    return "refused"


def causes_of(error: BaseException) -> Iterator[BaseException]:
    """Yield the cause of `error`, the cause of that, and so on."""
    while cause := error.__cause__:
        yield cause
        error = cause


def _names(error: BaseException) -> Iterator[str]:
    return (kind.__name__ for kind in type(error).__mro__)
