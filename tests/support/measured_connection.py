"""A store connection that measures what is sent and received."""

from collections.abc import Hashable, Sequence

from shared.store.connection import (
    Arguments,
    Command,
    GroupOutcome,
    OptionalScript,
    Reply,
    Script,
    StoreConnection,
)


class MeasuredConnection:
    """`StoreConnection` that records bytes: all that were `sent` as arguments of scripts, all that
    were `received`, and the `largest` reply."""

    def __init__(self, inner: StoreConnection) -> None:
        self._inner = inner
        self.sent = 0
        self.received = 0
        self.largest = 0
        self.round_trips = 0

    async def ask(self, commands: Sequence[Command | OptionalScript]) -> list[Reply]:
        return list(self._measured(await self._inner.ask(commands)))

    async def execute_groups(self, groups: Sequence[Sequence[Command]]) -> list[GroupOutcome]:
        return await self._inner.execute_groups(groups)

    async def run(self, script: Script, keys: Sequence[str], arguments: Arguments) -> Reply:
        self.sent += sum(len(a) if isinstance(a, bytes) else len(str(a)) for a in arguments)
        return self._measured(await self._inner.run(script, keys, arguments))

    def route(self, key: str) -> Hashable | None:
        return self._inner.route(key)

    async def close(self) -> None:
        await self._inner.close()

    def _measured(self, reply: Reply) -> Reply:
        size = size_of_reply(reply)
        self.round_trips += 1
        self.received += size
        self.largest = max(self.largest, size)
        return reply


def size_of_reply(reply: Reply) -> int:
    """Return the total bytes of all strings in `reply`."""
    if isinstance(reply, list):
        return sum(map(size_of_reply, reply))
    return len(reply) if isinstance(reply, bytes) else 0
