"""A connection that all callers share: each gets its own replies or an error, in time."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest

from shared.store.redis.address import RedisAddress, ServerAddress
from shared.store.redis.encoding import pack
from shared.store.redis.handshake import open_connection
from shared.store.redis.pipeline import ConnectionLost, PipelinedConnection
from tests.fuzz.extent import IS_FULL
from tests.support.virtual_time import in_virtual_time
from tests.unit.redis.scripted import OK, ScriptedRedis, Wire, bulk, scripted_redis

_SHORT_S = 0.1


def echo(command: list[bytes], _: int) -> bytes | None:
    """Reply to `ECHO text` with the text and to all else with OK."""
    return bulk(command[1]) if command[0] == b"ECHO" else OK


@pytest.fixture
async def server() -> AsyncIterator[ScriptedRedis]:
    """A server that replies to `ECHO`."""
    async with scripted_redis(echo) as scripted:
        yield scripted


async def connected(server: ScriptedRedis) -> PipelinedConnection:
    """A connection to `server`."""
    return await open_connection(RedisAddress(()), ServerAddress(port=server.port))


async def impatient(server: ScriptedRedis) -> PipelinedConnection:
    """A connection to `server` that waits for a reply for `_SHORT_S` only."""
    _, link = await asyncio.get_running_loop().create_connection(
        lambda: PipelinedConnection(_SHORT_S), "127.0.0.1", server.port
    )
    return link


async def send_echo(link: PipelinedConnection, text: str) -> Any:
    """The reply to `ECHO text`."""
    (reply,) = await link.send(pack(("ECHO", text)), 1)
    return reply


async def test_requests_of_one_loop_iteration_are_sent_in_one_write(server: ScriptedRedis) -> None:
    link = await connected(server)
    written: list[bytes] = []
    write, link._transport = link._transport, _Recording(link._transport, written)
    replies = await asyncio.gather(*(send_echo(link, f"{n}") for n in range(50)))
    assert replies == [b"%d" % n for n in range(50)]
    assert len(written) == 1
    link._transport = write
    await link.close()


class _Recording:
    def __init__(self, transport: Any, written: list[bytes]) -> None:
        self._transport = transport
        self._written = written

    def write(self, data: bytes) -> None:
        self._written.append(data)
        self._transport.write(data)


@pytest.mark.parametrize("seed", range(8 if IS_FULL else 3))
async def test_each_caller_gets_its_own_replies_despite_cancellations_and_split_data(
    seed: int,
) -> None:
    rng = random.Random(seed)
    pieces: asyncio.Queue[bytes] = asyncio.Queue()
    link = _link_to(pieces)
    cancelled = 0

    async def caller(number: int) -> None:
        nonlocal cancelled
        for round_ in range(20):
            texts = [f"{number}.{round_}.{n}" for n in range(rng.randint(1, 4))]
            data = b"".join(pack(("ECHO", text)) for text in texts)
            request = asyncio.ensure_future(link.send(data, len(texts)))
            if rng.random() < 0.3:
                for _ in range(rng.randint(0, 3)):
                    await asyncio.sleep(0)
                if request.cancel():
                    cancelled += 1
                    continue
            assert await request == [text.encode() for text in texts]

    async def answer() -> None:
        """Deliver the replies in pieces of any length: several together, or one in parts."""
        rest = b""
        while True:
            rest += await pieces.get()
            while rest and (pieces.empty() or rng.random() < 0.5):
                size = rng.randint(1, len(rest) if rng.random() < 0.3 else min(9, len(rest)))
                link.data_received(rest[:size])
                rest = rest[size:]
                if rng.random() < 0.3:
                    await asyncio.sleep(0)

    answering = asyncio.create_task(answer())
    async with asyncio.timeout(30):
        await asyncio.gather(*(caller(number) for number in range(30)))
    assert cancelled > 30
    answering.cancel()
    await link.close()


def _link_to(pieces: "asyncio.Queue[bytes]") -> PipelinedConnection:
    """A connection that puts an echo server's replies into `pieces`, not yet received."""
    link = PipelinedConnection()
    link.connection_made(Wire(link, lambda command: pieces.put_nowait(bulk(command[1]))))
    return link


async def test_a_missing_reply_fails_all_waiting_requests_and_ends_the_connection() -> None:
    async with scripted_redis(lambda command, _: None) as silent:
        link = await impatient(silent)
        loop = asyncio.get_running_loop()
        started_at = loop.time()
        results = await asyncio.gather(
            *(send_echo(link, "x") for _ in range(5)), return_exceptions=True
        )
        assert loop.time() - started_at >= _SHORT_S
        assert {type(result) for result in results} == {TimeoutError}
        assert not link.is_open
        with pytest.raises(ConnectionLost):
            await send_echo(link, "x")


async def test_the_error_of_a_timeout_names_the_timeout() -> None:
    async with scripted_redis(lambda command, _: None) as silent:
        link = await impatient(silent)
        with pytest.raises(TimeoutError, match=rf"within {_SHORT_S} s"):
            await send_echo(link, "x")
        await link.close()


@in_virtual_time
async def test_a_long_reply_that_arrives_slowly_is_no_timeout() -> None:
    link, reply = _link_to(asyncio.Queue()), bulk(b"x" * 1000)
    request = asyncio.create_task(send_echo(link, "x"))
    for start in range(0, len(reply), 100):
        await asyncio.sleep(0.08)
        link.data_received(reply[start : start + 100])
    assert await request == b"x" * 1000
    await link.close()


async def test_a_connection_that_ends_fails_all_waiting_requests() -> None:
    async with scripted_redis(lambda command, _: None) as silent:
        link = await connected(silent)
        waiting_requests = [asyncio.ensure_future(send_echo(link, "x")) for _ in range(3)]
        await asyncio.sleep(0)
        silent.drop_all()
        results = await asyncio.gather(*waiting_requests, return_exceptions=True)
        assert {type(result) for result in results} == {ConnectionLost}


async def test_a_failed_write_ends_the_connection() -> None:
    link = _link_to(asyncio.Queue())

    def refuse(_: bytes) -> None:
        raise RuntimeError("the handler is closed")  # as uvloop does

    link._transport.write = refuse
    with pytest.raises(ConnectionLost):
        await send_echo(link, "x")
    assert not link.is_open


async def test_a_retired_connection_still_delivers_the_pending_replies(
    server: ScriptedRedis,
) -> None:
    link = await connected(server)
    waiting_requests = [asyncio.ensure_future(send_echo(link, f"{n}")) for n in range(3)]
    await asyncio.sleep(0)
    link.close_when_idle()
    assert await asyncio.gather(*waiting_requests) == [b"0", b"1", b"2"]
    assert not link.is_open


@pytest.mark.parametrize(("requests", "size"), [(4096, 1), (8, 2 * 1024 * 1024 - 100)])
async def test_the_number_and_the_size_of_waiting_requests_are_bounded(
    requests: int, size: int
) -> None:
    async with scripted_redis(lambda command, _: None) as silent:
        link = await impatient(silent)
        data = pack(("ECHO", "x" * size))
        began, waiting_requests = asyncio.get_running_loop().time(), []
        while link.has_room(len(data)):
            waiting_requests.append(link.send(data, 1))
        assert len(waiting_requests) == requests
        with suppress(TimeoutError):  # it returns if the silent connection has timed out by then
            await link.room(len(data))
        assert asyncio.get_running_loop().time() - began >= _SHORT_S
        ended = asyncio.gather(*waiting_requests, return_exceptions=True)
        await link.close()
        assert {type(end) for end in await ended} <= {ConnectionLost, TimeoutError}


async def test_callers_get_room_in_order_of_arrival() -> None:
    link = _link_to(asyncio.Queue())
    sent = []
    while link.has_room(1):
        sent.append(link.send(pack(("ECHO", "x")), 1))
    order: list[int] = []

    async def request_room(number: int) -> None:
        await link.room(1)
        sent.append(link.send(pack(("ECHO", "x")), 1))
        order.append(number)

    requesting = [asyncio.create_task(request_room(number)) for number in range(5)]
    await asyncio.sleep(0)
    requesting.pop(1).cancel()
    for _ in range(8):
        link.data_received(bulk(b"x"))
        await asyncio.sleep(0)
    await asyncio.gather(*requesting)
    assert order == [0, 2, 3, 4]
    await link.close()
    await asyncio.gather(*sent, return_exceptions=True)


async def test_a_request_larger_than_the_bound_is_sent_alone() -> None:
    link = _link_to(asyncio.Queue())
    assert link.has_room(100 * 1024 * 1024)
    sent = link.send(pack(("ECHO", "x")), 1)
    assert not link.has_room(100 * 1024 * 1024)
    await link.close()
    await asyncio.gather(sent, return_exceptions=True)
