"""Each failure of the store is counted once, by what kind it is."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from infra.local.ports import free_port
from shared.errors import StoreUnavailable
from shared.metrics.ports import StoreFault
from shared.store.connection import Script
from shared.store.observed import ObservedConnection
from shared.store.redis import NativeConnection

_BROKEN = Script.of("return redis.error_reply('ERR broken')")
_RIGHT = Script.of("return 1")


@asynccontextmanager
async def observed(url: str) -> AsyncIterator[tuple[ObservedConnection, Counter[StoreFault]]]:
    """A connection, and what it counts."""
    counted: Counter[StoreFault] = Counter()

    def count(fault: StoreFault) -> None:
        counted[fault] += 1

    connection = ObservedConnection(NativeConnection(url), count)
    try:
        yield connection, counted
    finally:
        await connection.close()


@asynccontextmanager
async def silence() -> AsyncIterator[str]:
    """A Redis that takes connections and never says anything."""

    async def be_silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            writer.close()

    async with await asyncio.start_server(be_silent, "127.0.0.1", 0) as server:
        yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"


async def test_one_that_is_silent() -> None:
    async with silence() as url, observed(url) as (connection, counted):
        with pytest.raises(StoreUnavailable):
            await connection.ask([("PING",)])
    assert counted == {"timeout": 1}


async def test_one_that_is_not_there() -> None:
    async with observed(f"redis://127.0.0.1:{free_port()}/0") as (connection, counted):
        with pytest.raises(StoreUnavailable):
            await connection.run(_RIGHT, [], [])
    assert counted == {"connection": 1}


async def test_one_that_says_no(redis_url: str) -> None:
    async with observed(redis_url) as (connection, counted):
        with pytest.raises(StoreUnavailable):
            await connection.run(_BROKEN, [], [])
        with pytest.raises(StoreUnavailable):
            await connection.ask([("NOT-A-COMMAND",)])
    assert counted == {"refused": 2}


async def test_what_succeeds_is_not_counted(redis_url: str) -> None:
    async with observed(redis_url) as (connection, counted):
        assert await connection.ask([("PING",)]) == [b"PONG"]
        await connection.run(_RIGHT, [], [])
    assert not counted


async def test_one_that_takes_longer_than_who_asks_will_wait() -> None:
    async with silence() as url, observed(url) as (connection, counted):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await connection.ask([("PING",)])
    assert counted == {"timeout": 1}


async def test_one_that_wants_another_password(own_redis_url: str) -> None:
    async with observed(own_redis_url) as (connection, _):
        await connection.ask([("CONFIG", "SET", "requirepass", "right")])
    wrong = own_redis_url.replace("redis://", "redis://default:wrong@")
    async with observed(wrong) as (connection, counted):
        with pytest.raises(StoreUnavailable):
            await connection.ask([("PING",)])
    assert counted == {"refused": 1}
