"""With Sentinel, writes continue on the new primary after a failover."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from infra.local.redis_sentinel import (
    PRIMARY_NAME,
    SENTINEL_USER,
    USER,
    LocalSentinels,
    local_sentinels,
)
from shared.application.errors import StoreUnavailable
from shared.store.redis import NativeConnection
from tests.integration.cluster.conftest import StoreParts
from tests.integration.cluster.hearing import assert_delivered
from tests.integration.cluster.load import WriteLoad


@pytest.fixture(scope="module")
def servers() -> Iterator[LocalSentinels]:
    """A primary, a replica and three Sentinels; servers and Sentinels have separate users."""
    with local_sentinels() as servers:
        yield servers


def url_of(servers: LocalSentinels, user: tuple[str, str] = USER) -> str:
    """Return the value of `REDIS_URL`."""
    sentinel_user, sentinel_password = SENTINEL_USER
    return (
        f"redis+sentinel://{user[0]}:{user[1]}@{servers.hosts}/{PRIMARY_NAME}/0"
        f"?sentinel_username={sentinel_user}&sentinel_password={sentinel_password}"
    )


@pytest.fixture
async def parts(servers: LocalSentinels) -> AsyncIterator[StoreParts]:
    """The store on these servers."""
    connection = NativeConnection(url_of(servers))
    yield StoreParts(connection)
    await connection.close()


async def test_writes_continue_after_the_primary_has_died(
    parts: StoreParts, servers: LocalSentinels
) -> None:
    load = WriteLoad(parts, writers=1)
    async with load:
        pass
    servers.primary.ask("WAIT", 1, 1000)
    dead = servers.kill_primary()
    async with load.running():
        await asyncio.to_thread(servers.wait_until_promoted, not_=dead)
        await load.wait_for_progress()
    await load.check()
    await asyncio.to_thread(servers.restart, dead)


async def test_a_connection_succeeds_while_one_sentinel_is_down(servers: LocalSentinels) -> None:
    stopped = servers.sentinels[0]
    stopped.process.kill()
    try:
        for _ in range(4):
            connection = NativeConnection(url_of(servers))
            await connection.ask([("GET", "a")])
            await connection.close()
    finally:
        stopped.process.start()


async def test_a_published_message_arrives_through_the_primary(servers: LocalSentinels) -> None:
    connection = NativeConnection(url_of(servers))
    await assert_delivered(connection, "channel")
    await connection.close()


async def test_a_name_that_no_sentinel_knows_is_an_outage(servers: LocalSentinels) -> None:
    connection = NativeConnection(url_of(servers).replace(f"/{PRIMARY_NAME}/", "/another/"))
    with pytest.raises(StoreUnavailable) as raised:
        await connection.ask([("GET", "a")])
    assert "no Sentinel names a primary" in str(raised.value.__cause__)
    await connection.close()
