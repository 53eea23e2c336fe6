"""The service finds the primary although some Sentinels are dead or suspended."""

import asyncio
from collections.abc import Iterator

import pytest

from infra.local.redis_sentinel import LocalSentinels, local_sentinels
from shared.application.errors import StoreUnavailable
from shared.store.redis import NativeConnection

_TIMEOUT_S = 30.0


@pytest.fixture
def servers() -> Iterator[LocalSentinels]:
    """A primary, a replica and three Sentinels."""
    with local_sentinels() as servers:
        yield servers


async def can_write_within(url: str, seconds: float) -> bool:
    """Return whether a new connection can write within so many seconds."""
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


async def test_the_primary_is_found_although_the_first_two_sentinels_do_not_answer(
    servers: LocalSentinels,
) -> None:
    first, second, _ = servers.sentinels
    assert await can_write_within(servers.url, _TIMEOUT_S)
    first.process.kill()
    assert await can_write_within(servers.url, _TIMEOUT_S)
    second.process.suspend()
    try:
        assert await can_write_within(servers.url, _TIMEOUT_S)
    finally:
        second.process.resume()
