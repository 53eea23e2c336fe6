"""The redis-py client of the first baseline. Don't change it, so that figures stay comparable."""

from collections.abc import Sequence
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import NoScriptError

from shared.store.connection import Arguments, Command, OptionalScript, Reply, Script

_MAX_CONNECTIONS = 64
_TIMEOUT_S = 0.6


class RedisPyConnection:
    """`ask` and `run` of `StoreConnection` (shared/store), without its error handling."""

    def __init__(self, url: str) -> None:
        pool = BlockingConnectionPool.from_url(
            url,
            protocol=2,
            max_connections=_MAX_CONNECTIONS,
            timeout=_TIMEOUT_S,
            socket_timeout=_TIMEOUT_S,
        )
        self._client = Redis.from_pool(pool)
        self._raw = Redis(connection_pool=pool)
        self._raw.response_callbacks.clear()  # don't convert replies

    async def subscriber(self) -> Redis:
        """Return the client for pub/sub; its pool gives each subscriber its own connection."""
        return self._client

    async def ask(self, commands: Sequence[Command | OptionalScript]) -> list[Reply]:
        """Send `commands` in one round trip and return their replies."""
        pipeline = self._raw.pipeline(transaction=False)
        for command in commands:
            if isinstance(command, OptionalScript):
                command = command.as_command(command.script.text)
            pipeline.execute_command(*command)
        replies: list[Reply] = await pipeline.execute()
        return replies

    async def run(self, script: Script, keys: Sequence[str], arguments: Arguments) -> Reply:
        """Run `script`, in one round trip if Redis has it cached."""
        execute: Any = self._raw.execute_command
        operands = (len(keys), *keys, *arguments)
        try:
            return await execute("EVALSHA", script.digest, *operands)
        except NoScriptError:
            return await execute("EVAL", script.text, *operands)
