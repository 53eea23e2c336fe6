"""The service's own connections to a store of a test's, on a machine that may be busy.

Their timeouts are reached by a store that hangs, and not by one that waits for a processor. Tests
of the service's own timeouts make their connections themselves.
"""

from dataclasses import replace
from typing import Any

import httpx
from redis.asyncio import Redis

from infra.local.upstash import LocalUpstash
from shared.store.redis import NativeConnection, RedisAddress
from shared.store.redis.timeouts import Timeouts
from shared.store.upstash import UpstashConnection

_LONG_S = 30.0


def connection_to(url: str) -> NativeConnection:
    """A connection to the Redis at `url`."""
    timeouts = Timeouts(connect_s=_LONG_S, reply_s=_LONG_S, ready_s=_LONG_S)
    return NativeConnection(replace(RedisAddress.of(url), timeouts=timeouts))


def native_connection_of(redis: Redis) -> NativeConnection:
    """A connection to where `redis` leads, which is closed together with it."""
    there = redis.connection_pool.connection_kwargs
    connection = connection_to(f"redis://{there['host']}:{there['port']}/{there.get('db', 0)}")
    close: Any = redis.aclose

    async def close_both(close_connection_pool: bool | None = None) -> None:
        await connection.close()
        await close(close_connection_pool)

    redis.aclose = close_both  # type: ignore[method-assign] # on this client alone
    return connection


def upstash_connection_to(endpoint: LocalUpstash) -> UpstashConnection:
    """A connection by Upstash's protocol."""
    return UpstashConnection(endpoint.url, endpoint.token, timeout=httpx.Timeout(_LONG_S))
