"""The connection to a single Redis: retries, reconnects and failures."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NoReturn

import pytest

from infra.local.ports import free_port
from shared.application.errors import StoreUnavailable
from shared.store.connection import FailedReply, OptionalScript, Script
from shared.store.redis import NativeConnection
from shared.store.redis.node import Node
from shared.store.redis.single import SingleServerConnection
from tests.support.virtual_time import in_virtual_time
from tests.unit.redis.scripted import OK, ReplyFunction, ScriptedRedis, bulk, error, scripted_redis

READONLY = "READONLY You can't write against a read only replica."
IN_SCRIPT = (
    "ERR Error running script (call to f_0): @user_script:1: @user_script: 1: "
    "-READONLY You can't write against a read only replica. "
)
SCRIPT = Script.of("return 1")


@asynccontextmanager
async def connected_to(
    answer: ReplyFunction,
) -> AsyncIterator[tuple[NativeConnection, ScriptedRedis]]:
    """A connection to a server that replies by `answer`."""
    async with scripted_redis(answer) as server:
        connection = NativeConnection(server.url)
        try:
            yield connection, server
        finally:
            await connection.close()


@asynccontextmanager
async def connected_without_sockets(server: ScriptedRedis) -> AsyncIterator[SingleServerConnection]:
    """A connection to `server` in virtual time."""
    connection = SingleServerConnection(Node(server.open_link, "redis"))
    try:
        yield connection
    finally:
        await connection.close()


@pytest.mark.parametrize(
    "message",
    [
        READONLY,
        IN_SCRIPT,
        "MISCONF Valkey is configured to save RDB snapshots",
        "NOREPLICAS Not enough good replicas to write.",
        "UNBLOCKED force unblock from blocking operation",
        "LOADING Valkey is loading the dataset in memory",
        "MASTERDOWN Link with MASTER is down",
        "CLUSTERDOWN The cluster is down",
        "MOVED 3999 127.0.0.1:6381",
        "ASK 3999 127.0.0.1:6381",
    ],
)
async def test_a_refused_command_is_repeated_on_a_new_connection(
    message: str,
) -> None:
    async with connected_to(lambda _, number: error(message) if number == 0 else bulk(b"new")) as (
        connection,
        server,
    ):
        assert await connection.run(SCRIPT, ["k"], []) == b"new"
        assert await connection.ask([("GET", "k"), ("TIME",)]) == [b"new", b"new"]
        assert server.opened == 2


@pytest.mark.parametrize(
    "message",
    ["OOM command not allowed when used memory > 'maxmemory'.", "ERR wrong", "WRONGTYPE x"],
)
async def test_an_error_of_the_command_causes_no_reconnect(message: str) -> None:
    async with connected_to(lambda *_: error(message)) as (connection, server):
        with pytest.raises(StoreUnavailable):
            await connection.run(SCRIPT, ["k"], [])
        with pytest.raises(StoreUnavailable):
            await connection.ask([("GET", "k")])
        assert server.opened == 1


@in_virtual_time
async def test_a_server_that_stays_read_only_gets_few_connections_and_serves_reads() -> None:
    def answer(command: list[bytes], _: int) -> bytes:
        return error(READONLY) if command[0] == b"EVALSHA" else bulk(b"read")

    server = ScriptedRedis(answer)
    async with connected_without_sockets(server) as connection:

        async def write() -> None:
            with pytest.raises(StoreUnavailable):
                await connection.run(SCRIPT, ["k"], [])

        async def reads() -> None:
            for _ in range(100):
                assert await connection.ask([("GET", "k")]) == [b"read"]
                await asyncio.sleep(0.01)

        await asyncio.gather(reads(), *(write() for _ in range(100)))
        await asyncio.gather(*(write() for _ in range(100)))
        assert server.opened <= 12


@in_virtual_time
async def test_many_refused_commands_do_not_delay_the_reconnect() -> None:
    def answer(command: list[bytes], number: int) -> bytes:
        return error(READONLY) if command[0] == b"EVALSHA" and number < 2 else OK

    server = ScriptedRedis(answer)
    async with connected_without_sockets(server) as connection:
        await connection.ask([("GET", "k")])
        calls = (connection.run(SCRIPT, ["k"], []) for _ in range(200))
        assert set(await asyncio.gather(*calls)) == {b"OK"}
        assert server.opened == 3


@in_virtual_time
async def test_a_loading_server_gets_few_requests_from_many_callers() -> None:
    loading = error("LOADING Valkey is loading the dataset in memory")
    server = ScriptedRedis(lambda *_: loading, pong=lambda _: loading)
    async with connected_without_sockets(server) as connection:
        started_at = asyncio.get_running_loop().time()

        async def ask() -> int:
            refusals = 0
            while asyncio.get_running_loop().time() - started_at < 0.9:
                with pytest.raises(StoreUnavailable):
                    await connection.ask([("GET", "k")])
                refusals += 1
                await asyncio.sleep(0.01)
            return refusals

        assert sum(await asyncio.gather(*(ask() for _ in range(50)))) > 300
        assert server.count(b"PING") + server.count(b"GET") <= 15
        server.pong, server.answer = (lambda _: b"+PONG\r\n"), (lambda *_: OK)
        async with asyncio.timeout(1):
            while True:
                try:
                    assert await connection.ask([("GET", "k")]) == [b"OK"]
                    break
                except StoreUnavailable:
                    await asyncio.sleep(0.02)


async def test_a_failed_attempt_does_not_delay_a_read() -> None:
    def answer(command: list[bytes], number: int) -> bytes:
        return error(READONLY) if command[0] == b"EVALSHA" and number == 0 else bulk(b"read")

    async with connected_to(answer) as (connection, server):
        counting = OptionalScript(SCRIPT, ["k"], [])
        failed, value = await connection.ask([counting, ("GET", "k")])
        assert isinstance(failed, FailedReply)
        assert value == b"read"
        async with asyncio.timeout(30):
            while server.opened < 2:
                await asyncio.sleep(0.01)


async def test_an_attempt_with_an_unknown_script_is_resent_with_its_source() -> None:
    def answer(command: list[bytes], _: int) -> bytes:
        return error("NOSCRIPT No matching script.") if command[0] == b"EVALSHA" else OK

    async with connected_to(answer) as (connection, server):
        assert await connection.ask([OptionalScript(SCRIPT, ["k"], [1]), ("GET", "k")]) == [
            b"OK",
            b"OK",
        ]
        assert await connection.run(SCRIPT, ["k"], []) == b"OK"
        assert server.count(b"EVAL") == 2


async def test_a_command_whose_connection_died_while_idle_is_sent_once_more() -> None:
    async with connected_to(lambda *_: OK) as (connection, server):
        await connection.ask([("GET", "k")])
        server.drop_all()
        assert await connection.ask([("GET", "k")]) == [b"OK"]
        assert server.opened == 2


async def test_a_command_whose_connection_dies_twice_fails() -> None:
    def die(command: list[bytes], number: int) -> None:
        server.drop_all()

    async with connected_to(die) as (connection, server):
        with pytest.raises(StoreUnavailable):
            await connection.ask([("GET", "k")])
        assert server.count(b"GET") == 2


async def test_a_missing_reply_is_an_outage_and_the_next_call_reconnects() -> None:
    async with connected_to(lambda _, number: None if number == 0 else OK) as (connection, server):
        with pytest.raises(StoreUnavailable) as raised:
            await connection.ask([("GET", "k")])
        assert isinstance(raised.value.__cause__, TimeoutError)
        assert await connection.ask([("GET", "k")]) == [b"OK"]
        assert server.opened == 2


@in_virtual_time
async def test_callers_fail_at_once_while_the_server_is_lost() -> None:
    async def refuse() -> NoReturn:
        raise ConnectionRefusedError

    loop, connection = asyncio.get_running_loop(), SingleServerConnection(Node(refuse, "redis"))
    for _ in range(20):
        started_at = loop.time()
        with pytest.raises(StoreUnavailable):
            await connection.ask([("GET", "k")])
        assert loop.time() == started_at
        await asyncio.sleep(0.1)
    await connection.close()


async def test_a_lost_server_is_used_again_when_it_is_back() -> None:
    port = free_port()
    connection = NativeConnection(f"redis://127.0.0.1:{port}")
    with pytest.raises(StoreUnavailable):
        await connection.ask([("GET", "k")])
    server = ScriptedRedis(lambda *_: OK)
    async with await asyncio.start_server(server.serve, "127.0.0.1", port):
        async with asyncio.timeout(30):
            while True:
                try:
                    await connection.ask([("GET", "k")])
                    break
                except StoreUnavailable:
                    await asyncio.sleep(0.02)
        await connection.close()
        await server.close()


@in_virtual_time
async def test_a_wrong_password_causes_few_login_attempts() -> None:
    server = ScriptedRedis(
        lambda *_: error("NOAUTH Authentication required."),
        greeting=lambda _: error("WRONGPASS invalid username-password pair"),
    )
    async with connected_without_sockets(server) as connection:
        for _ in range(50):
            with pytest.raises(StoreUnavailable) as raised:
                await connection.ask([("GET", "k")])
            assert "WRONGPASS" in str(raised.value.__cause__)
            await asyncio.sleep(0.01)
        assert server.opened < 5


async def test_a_server_without_hello_is_logged_in_to_with_auth() -> None:
    async with scripted_redis(lambda *_: OK) as server:
        server.greeting = lambda _: error("ERR unknown command `HELLO`")
        connection = NativeConnection(f"redis://user:pw@127.0.0.1:{server.port}/2")
        assert await connection.ask([("GET", "k")]) == [b"OK"]
        received = [command for _, command in server.received]
        assert [b"AUTH", b"user", b"pw"] in received
        assert [b"SELECT", b"2"] in received
        await connection.close()


async def test_a_sentinel_in_place_of_a_redis_is_reported() -> None:
    async with connected_to(lambda *_: OK) as (connection, server):
        server.greeting = lambda _: b"*2\r\n$4\r\nmode\r\n$8\r\nsentinel\r\n"
        with pytest.raises(StoreUnavailable) as raised:
            await connection.ask([("GET", "k")])
        assert "redis+sentinel://" in str(raised.value.__cause__)


async def test_a_cancelled_caller_leaves_the_replies_of_others_intact() -> None:
    def answer(command: list[bytes], _: int) -> bytes:
        return bulk(command[1])

    async with connected_to(answer) as (connection, _):
        await connection.ask([("GET", "first")])
        calls = [asyncio.ensure_future(connection.ask([("GET", f"{n}")])) for n in range(20)]
        await asyncio.sleep(0)
        for call in calls[::2]:
            call.cancel()
        assert [await call for call in calls[1::2]] == [[b"%d" % n] for n in range(1, 20, 2)]


async def test_several_hosts_that_are_no_cluster_are_refused() -> None:
    async with scripted_redis(lambda *_: OK) as server:
        connection = NativeConnection(f"redis://127.0.0.1:{server.port},localhost:{server.port}")
        with pytest.raises(StoreUnavailable) as raised:
            await connection.ask([("GET", "k")])
        assert "is not part of a cluster" in str(raised.value.__cause__)
        await connection.close()
