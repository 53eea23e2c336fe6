"""Each failure of the store is counted once, by kind."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from infra.local.ports import free_port
from shared.application.errors import StoreUnavailable
from shared.application.ports.metrics import StoreErrorKind
from shared.store.connection import Script
from shared.store.counted_connection import CountedConnection
from shared.store.redis import NativeConnection

_BROKEN = Script.of("return redis.error_reply('ERR broken')")
_VALID = Script.of("return 1")


@asynccontextmanager
async def observed(url: str) -> AsyncIterator[tuple[CountedConnection, Counter[StoreErrorKind]]]:
    """Open a connection; the value is the connection and its counted faults."""
    counted: Counter[StoreErrorKind] = Counter()

    def count(fault: StoreErrorKind) -> None:
        counted[fault] += 1

    connection = CountedConnection(NativeConnection(url), count)
    try:
        yield connection, counted
    finally:
        await connection.close()


@asynccontextmanager
async def silent_server() -> AsyncIterator[str]:
    """Run a server that accepts connections and never replies; the value is its URL."""

    async def hold(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            writer.close()

    async with await asyncio.start_server(hold, "127.0.0.1", 0) as server:
        yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"


async def test_a_server_that_never_replies_counts_as_timeout() -> None:
    async with silent_server() as url, observed(url) as (connection, counted):
        with pytest.raises(StoreUnavailable):
            await connection.ask([("PING",)])
    assert counted == {"timeout": 1}


async def test_an_unreachable_server_counts_as_connection_fault() -> None:
    async with observed(f"redis://127.0.0.1:{free_port()}/0") as (connection, counted):
        with pytest.raises(StoreUnavailable):
            await connection.run(_VALID, [], [])
    assert counted == {"connection": 1}


async def test_an_error_reply_counts_as_refused(redis_url: str) -> None:
    async with observed(redis_url) as (connection, counted):
        with pytest.raises(StoreUnavailable):
            await connection.run(_BROKEN, [], [])
        with pytest.raises(StoreUnavailable):
            await connection.ask([("NOT-A-COMMAND",)])
    assert counted == {"refused": 2}


async def test_success_is_not_counted(redis_url: str) -> None:
    async with observed(redis_url) as (connection, counted):
        assert await connection.ask([("PING",)]) == [b"PONG"]
        await connection.run(_VALID, [], [])
    assert not counted


async def test_a_timeout_of_the_caller_counts_as_timeout() -> None:
    async with silent_server() as url, observed(url) as (connection, counted):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await connection.ask([("PING",)])
    assert counted == {"timeout": 1}


async def test_a_wrong_password_counts_as_refused(own_redis_url: str) -> None:
    async with observed(own_redis_url) as (connection, _):
        await connection.ask([("CONFIG", "SET", "requirepass", "right")])
    wrong = own_redis_url.replace("redis://", "redis://default:wrong@")
    async with observed(wrong) as (connection, counted):
        with pytest.raises(StoreUnavailable):
            await connection.ask([("PING",)])
    assert counted == {"refused": 1}
