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
from shared.store.connection import (
    Argument,
    Attempt,
    Command,
    Failed,
    Reply,
    Script,
    require_replies,
)

_CONNECT_TIMEOUT_S = 0.5
_REPLY_TIMEOUT_S = 0.6
_POOL_TIMEOUT_S = 1.2
"""How long a command waits for a free connection: as long as a request may take (shared/turns.py).

Two hundred requests at once wait for each other here; that is no sign that Redis is away.
"""
_MAX_CONNECTIONS = 64

_BROKEN: Any = (RedisConnectionError, RuntimeError)
"""A connection that is gone; the second is uvloop's, where it was reset while idle."""


def connect(url: str) -> Redis:
    """A client with a bounded pool and bounded waits.

    A connection that died while idle is replaced once, silently: every command we send may be
    repeated (a commit is recognised by its operation id).
    """
    pool = BlockingConnectionPool.from_url(
        url,
        protocol=2,
        max_connections=_MAX_CONNECTIONS,
        timeout=_POOL_TIMEOUT_S,
        socket_timeout=_REPLY_TIMEOUT_S,
        socket_connect_timeout=_CONNECT_TIMEOUT_S,
        retry=Retry(NoBackoff(), 1, supported_errors=_BROKEN),
    )
    return Redis.from_pool(pool)


class NativeConnection:
    """`Connection` to any Redis from 6.2 on, Valkey included, through the pool of `redis`."""

    def __init__(self, redis: Redis) -> None:
        self._redis = Redis(connection_pool=redis.connection_pool)
        self._redis.response_callbacks.clear()  # replies as they come

    async def ask(self, commands: Sequence[Command | Attempt]) -> list[Reply]:
        pipeline = self._redis.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*_plain(command))
        with _reporting_outages():
            replies = await pipeline.execute(raise_on_error=False)
        read = [Failed(reply) if isinstance(reply, RedisError) else reply for reply in replies]
        require_replies(commands, read)
        return read

    async def transact(self, commands: Sequence[Command]) -> None:
        pipeline = self._redis.pipeline(transaction=True)
        for command in commands:
            pipeline.execute_command(*command)
        with _reporting_outages():
            await pipeline.execute()

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


def _plain(command: Command | Attempt) -> Command:
    return command.as_command(command.script.text) if isinstance(command, Attempt) else command


@contextmanager
def _reporting_outages() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError, RuntimeError) as error:
        raise StoreUnavailable from error
