"""A primary that Sentinel names: changes go on after a failover, wherever the primary is then."""

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
from shared.errors import StoreUnavailable
from shared.store.redis import NativeConnection
from tests.integration.cluster.conftest import Shelf
from tests.integration.cluster.hearing import assert_heard
from tests.integration.cluster.load import Load

_PROMISE_S = 2.0


@pytest.fixture(scope="module")
def servers() -> Iterator[LocalSentinels]:
    """A primary, a replica and three Sentinels; data and Sentinels want a user of their own."""
    with local_sentinels() as servers:
        yield servers


def url_of(servers: LocalSentinels, user: tuple[str, str] = USER) -> str:
    """What `REDIS_URL` would say."""
    watcher, watchword = SENTINEL_USER
    return (
        f"redis+sentinel://{user[0]}:{user[1]}@{servers.hosts}/{PRIMARY_NAME}/0"
        f"?sentinel_username={watcher}&sentinel_password={watchword}"
    )


@pytest.fixture
async def shelf(servers: LocalSentinels) -> AsyncIterator[Shelf]:
    """The store on them."""
    connection = NativeConnection(url_of(servers))
    yield Shelf(connection)
    await connection.close()


async def test_changes_go_on_after_the_primary_has_died(
    shelf: Shelf, servers: LocalSentinels
) -> None:
    load = Load(shelf, writers=1)
    async with load:
        pass
    servers.primary.ask("WAIT", 1, 1000)
    dead = servers.kill_primary()
    async with load.begun():
        await asyncio.to_thread(servers.wait_until_promoted, not_=dead)
        await load.goes_on(_PROMISE_S)
    await load.check()
    await asyncio.to_thread(servers.restart, dead)


async def test_a_sentinel_that_is_gone_is_not_missed(servers: LocalSentinels) -> None:
    gone = servers.sentinels[0]
    gone.process.kill()
    try:
        for _ in range(4):
            connection = NativeConnection(url_of(servers))
            await connection.ask([("GET", "a")])
            await connection.close()
    finally:
        gone.process.start()


async def test_what_is_published_is_heard_on_the_primary(servers: LocalSentinels) -> None:
    connection = NativeConnection(url_of(servers))
    await assert_heard(connection, "channel")
    await connection.close()


async def test_a_name_that_no_sentinel_knows_is_an_outage(servers: LocalSentinels) -> None:
    connection = NativeConnection(url_of(servers).replace(f"/{PRIMARY_NAME}/", "/another/"))
    with pytest.raises(StoreUnavailable) as raised:
        await connection.ask([("GET", "a")])
    assert "no Sentinel names a primary" in str(raised.value.__cause__)
    await connection.close()
