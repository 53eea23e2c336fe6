"""Sentinels that are dead or stand still don't keep the service from the primary."""

import asyncio
from collections.abc import Iterator

import pytest

from infra.local.redis_sentinel import LocalSentinels, local_sentinels
from shared.errors import StoreUnavailable
from shared.store.redis import NativeConnection

_PROMISE_S = 2.0


@pytest.fixture
def servers() -> Iterator[LocalSentinels]:
    """A primary, a replica and three Sentinels."""
    with local_sentinels() as servers:
        yield servers


async def reached_within(url: str, seconds: float) -> bool:
    """Whether an instance that starts can write in time."""
    connection = NativeConnection(url)
    try:
        async with asyncio.timeout(seconds):
            while True:
                try:
                    await connection.ask([("SET", "key", "value")])
                    return True
                except StoreUnavailable:
                    await asyncio.sleep(0.05)
    except TimeoutError:
        return False
    finally:
        await connection.close()


async def test_the_primary_is_found_though_the_first_sentinels_are_of_no_use(
    servers: LocalSentinels,
) -> None:
    first, second, _ = servers.sentinels
    assert await reached_within(servers.url, _PROMISE_S)
    first.process.kill()
    assert await reached_within(servers.url, _PROMISE_S)
    second.process.suspend()
    try:
        assert await reached_within(servers.url, _PROMISE_S)
    finally:
        second.process.resume()
