"""The service's own connection to a Redis that a test has a plain client of."""

from typing import Any

from redis.asyncio import Redis

from shared.store.redis import NativeConnection


def natively(redis: Redis) -> NativeConnection:
    """A connection to where `redis` leads, which is closed together with it."""
    there = redis.connection_pool.connection_kwargs
    connection = NativeConnection(f"redis://{there['host']}:{there['port']}/{there.get('db', 0)}")
    close: Any = redis.aclose

    async def close_both(close_connection_pool: bool | None = None) -> None:
        await connection.close()
        await close(close_connection_pool)

    redis.aclose = close_both  # type: ignore[method-assign] # on this client alone
    return connection
