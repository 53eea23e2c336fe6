"""The service's store connections, with long timeouts for tests on a busy machine.

Only a store that hangs reaches these timeouts, not one that waits for a processor. Tests of the
service's own timeouts make their connections themselves.
"""

from dataclasses import replace
from typing import Any

import httpx
from redis.asyncio import Redis

from infra.local.upstash import LocalUpstash
from shared.store.redis import NativeConnection, RedisAddress
from shared.store.redis.timeouts import Timeouts
from shared.store.upstash import UpstashConnection

_TIMEOUT_S = 30.0


def connection_to(url: str) -> NativeConnection:
    """Return a connection to the Redis at `url`."""
    timeouts = Timeouts(connect_s=_TIMEOUT_S, reply_s=_TIMEOUT_S, ready_s=_TIMEOUT_S)
    return NativeConnection(replace(RedisAddress.of(url), timeouts=timeouts))


def native_connection_of(redis: Redis) -> NativeConnection:
    """Return a connection to the server of `redis`; closing `redis` closes it too."""
    target = redis.connection_pool.connection_kwargs
    connection = connection_to(f"redis://{target['host']}:{target['port']}/{target.get('db', 0)}")
    close: Any = redis.aclose

    async def close_both(close_connection_pool: bool | None = None) -> None:
        await connection.close()
        await close(close_connection_pool)

    redis.aclose = close_both  # type: ignore[method-assign] # on this client only
    return connection


def upstash_connection_to(endpoint: LocalUpstash) -> UpstashConnection:
    """Return a connection that uses Upstash's REST protocol."""
    return UpstashConnection(endpoint.url, endpoint.token, timeout=httpx.Timeout(_TIMEOUT_S))
