"""A Redis by its native protocol."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisError

from shared.errors import StoreUnavailable
from shared.store.connection import Argument, Command, Reply, Script

_CONNECT_TIMEOUT_S = 0.5
_REPLY_TIMEOUT_S = 0.6
_MAX_CONNECTIONS = 64


def connect(url: str) -> Redis:
    """A client with a bounded pool and bounded waits.

    A connection that died while idle is replaced once, silently: every command we send may be
    repeated (a commit is recognised by its operation id).
    """
    pool = BlockingConnectionPool.from_url(
        url,
        protocol=2,
        max_connections=_MAX_CONNECTIONS,
        timeout=_REPLY_TIMEOUT_S,
        socket_timeout=_REPLY_TIMEOUT_S,
        socket_connect_timeout=_CONNECT_TIMEOUT_S,
        retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
    )
    return Redis.from_pool(pool)


class NativeConnection:
    """`Connection` to any Redis from 6.2 on, Valkey included, through the pool of `redis`."""

    def __init__(self, redis: Redis) -> None:
        self._redis = Redis(connection_pool=redis.connection_pool)
        self._redis.response_callbacks.clear()  # replies as they come

    async def ask(self, commands: Sequence[Command]) -> list[Reply]:
        return await self._sent(commands, atomic=False)

    async def transact(self, commands: Sequence[Command]) -> None:
        await self._sent(commands, atomic=True)

    async def run(
        self, script: Script, keys: Sequence[str], arguments: Sequence[Argument]
    ) -> Reply:
        execute: Any = self._redis.execute_command
        operands = (len(keys), *keys, *arguments)
        with _reporting_outages():
            try:
                return await execute("EVALSHA", script.digest, *operands)
            except NoScriptError:
                return await execute("EVAL", script.text, *operands)

    async def close(self) -> None:
        await self._redis.connection_pool.disconnect()

    async def _sent(self, commands: Sequence[Command], *, atomic: bool) -> list[Reply]:
        pipeline = self._redis.pipeline(transaction=atomic)
        for command in commands:
            pipeline.execute_command(*command)
        with _reporting_outages():
            replies: list[Reply] = await pipeline.execute()
        return replies


@contextmanager
def _reporting_outages() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError) as error:
        raise StoreUnavailable from error
