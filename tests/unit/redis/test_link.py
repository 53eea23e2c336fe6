"""One connection that all callers share: each gets its own reply, or a reason in time."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from hiredis import Reader

from shared.store.redis.address import Endpoint, RedisAddress
from shared.store.redis.handshake import open_link
from shared.store.redis.link import Link, Lost
from shared.store.redis.requests import pack
from shared.store.redis.timeouts import DEFAULT
from tests.unit.redis.scripted import OK, ScriptedRedis, bulk, scripted_redis


def echo(command: list[bytes], _: int) -> bytes | None:
    """`ECHO text` is answered by the text, anything else by OK."""
    return bulk(command[1]) if command[0] == b"ECHO" else OK


@pytest.fixture
async def server() -> AsyncIterator[ScriptedRedis]:
    """A server that echoes."""
    async with scripted_redis(echo) as scripted:
        yield scripted


async def opened(server: ScriptedRedis) -> Link:
    """A connection to it."""
    return await open_link(RedisAddress(()), Endpoint(port=server.port))


async def say(link: Link, text: str) -> Any:
    """What the server answers."""
    (reply,) = await link.send(pack(("ECHO", text)), 1)
    return reply


async def test_what_is_asked_in_one_turn_leaves_in_one_write(server: ScriptedRedis) -> None:
    link = await opened(server)
    written: list[bytes] = []
    write, link._transport = link._transport, _Recording(link._transport, written)
    replies = await asyncio.gather(*(say(link, f"{n}") for n in range(50)))
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


@pytest.mark.parametrize("seed", range(8))
async def test_each_caller_gets_its_own_replies_whoever_gives_up_and_however_bytes_come(
    seed: int,
) -> None:
    dice = random.Random(seed)
    pieces: asyncio.Queue[bytes] = asyncio.Queue()
    link = _link_to(pieces)
    given_up = 0

    async def caller(number: int) -> None:
        nonlocal given_up
        for round_ in range(20):
            texts = [f"{number}.{round_}.{n}" for n in range(dice.randint(1, 4))]
            data = b"".join(pack(("ECHO", text)) for text in texts)
            asking = asyncio.ensure_future(link.send(data, len(texts)))
            if dice.random() < 0.3:
                for _ in range(dice.randint(0, 3)):
                    await asyncio.sleep(0)
                if asking.cancel():
                    given_up += 1
                    continue
            assert await asking == [text.encode() for text in texts]

    async def answer() -> None:
        """In pieces of any length, several replies together or one in parts."""
        rest = b""
        while True:
            rest += await pieces.get()
            while rest and (pieces.empty() or dice.random() < 0.5):
                size = dice.randint(1, len(rest) if dice.random() < 0.3 else min(9, len(rest)))
                link.data_received(rest[:size])
                rest = rest[size:]
                if dice.random() < 0.3:
                    await asyncio.sleep(0)

    answering = asyncio.create_task(answer())
    async with asyncio.timeout(20):
        await asyncio.gather(*(caller(number) for number in range(30)))
    assert given_up > 30
    answering.cancel()
    await link.close()


def _link_to(pieces: "asyncio.Queue[bytes]") -> Link:
    """A connection whose other end is `pieces`: what an echoing server would answer."""
    link, parser = Link(), Reader()

    class Wire:
        def write(self, data: bytes) -> None:
            parser.feed(data)
            while (command := parser.gets()) is not False:
                pieces.put_nowait(bulk(command[1]))

        def close(self) -> None: ...

        def abort(self) -> None: ...

    link.connection_made(Wire())
    return link


async def test_a_reply_that_stays_away_fails_all_that_wait_and_ends_the_connection() -> None:
    async with scripted_redis(lambda command, _: None) as silent:
        link = await opened(silent)
        loop = asyncio.get_running_loop()
        asked = loop.time()
        results = await asyncio.gather(*(say(link, "x") for _ in range(5)), return_exceptions=True)
        assert 0.5 < loop.time() - asked < 1.0
        assert {type(result) for result in results} == {TimeoutError}
        assert not link.is_open
        with pytest.raises(Lost):
            await say(link, "x")


async def test_the_time_that_a_reply_may_take_can_be_chosen() -> None:
    async with scripted_redis(lambda command, _: None) as silent:
        loop = asyncio.get_running_loop()
        _, link = await loop.create_connection(lambda: Link(0.05), "127.0.0.1", silent.port)
        asked = loop.time()
        with pytest.raises(TimeoutError, match=r"0\.05 s"):
            await say(link, "x")
        assert loop.time() - asked < DEFAULT.reply_s
        await link.close()


async def test_a_server_that_sends_a_long_reply_slowly_is_not_given_up() -> None:
    reply, closed = bulk(b"x" * 1000), asyncio.Event()

    async def trickle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for start in range(0, len(reply), 100):
            await asyncio.sleep(0.08)
            writer.write(reply[start : start + 100])
        writer.close()
        await writer.wait_closed()
        closed.set()

    async with await asyncio.start_server(trickle, "127.0.0.1", 0) as slow:
        port = slow.sockets[0].getsockname()[1]
        _, link = await asyncio.get_running_loop().create_connection(Link, "127.0.0.1", port)
        assert await say(link, "x") == b"x" * 1000
        await closed.wait()
        await link.close()


async def test_a_connection_that_ends_fails_all_that_wait() -> None:
    async with scripted_redis(lambda command, _: None) as silent:
        link = await opened(silent)
        waiting = [asyncio.ensure_future(say(link, "x")) for _ in range(3)]
        await asyncio.sleep(0)
        silent.drop_all()
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert {type(result) for result in results} == {Lost}


async def test_a_connection_that_can_t_be_written_to_any_more_has_ended() -> None:
    link = _link_to(asyncio.Queue())

    def refuse(_: bytes) -> None:
        raise RuntimeError("the handler is closed")  # as uvloop does

    link._transport.write = refuse
    with pytest.raises(Lost):
        await say(link, "x")
    assert not link.is_open


async def test_a_connection_that_is_retired_answers_what_was_asked(server: ScriptedRedis) -> None:
    link = await opened(server)
    waiting = [asyncio.ensure_future(say(link, f"{n}")) for n in range(3)]
    await asyncio.sleep(0)
    link.retire()
    assert await asyncio.gather(*waiting) == [b"0", b"1", b"2"]
    assert not link.is_open


@pytest.mark.parametrize(("requests", "size"), [(4096, 1), (8, 2 * 1024 * 1024 - 100)])
async def test_no_more_may_wait_for_replies_than_is_bounded(requests: int, size: int) -> None:
    async with scripted_redis(lambda command, _: None) as silent:
        link = await opened(silent)
        data = pack(("ECHO", "x" * size))
        waiting = []
        while link.has_room(len(data)):
            waiting.append(link.send(data, 1))
        assert len(waiting) == requests
        began = asyncio.get_running_loop().time()
        with suppress(TimeoutError):  # or it returns, since a silent connection is given up by then
            await link.room(len(data))
        assert 0.4 < asyncio.get_running_loop().time() - began < 1.0
        ended = asyncio.gather(*waiting, return_exceptions=True)
        await link.close()
        assert {type(end) for end in await ended} <= {Lost, TimeoutError}


async def test_callers_get_room_in_the_order_in_which_they_came() -> None:
    link = _link_to(asyncio.Queue())
    asked = []
    while link.has_room(1):
        asked.append(link.send(pack(("ECHO", "x")), 1))
    order: list[int] = []

    async def come(number: int) -> None:
        await link.room(1)
        asked.append(link.send(pack(("ECHO", "x")), 1))
        order.append(number)

    coming = [asyncio.create_task(come(number)) for number in range(5)]
    await asyncio.sleep(0)
    coming.pop(1).cancel()
    for _ in range(8):
        link.data_received(bulk(b"x"))
        await asyncio.sleep(0)
    await asyncio.gather(*coming)
    assert order == [0, 2, 3, 4]
    await link.close()
    await asyncio.gather(*asked, return_exceptions=True)


async def test_one_request_larger_than_all_that_may_wait_is_sent_alone() -> None:
    link = _link_to(asyncio.Queue())
    assert link.has_room(100 * 1024 * 1024)
    asked = link.send(pack(("ECHO", "x")), 1)
    assert not link.has_room(100 * 1024 * 1024)
    await link.close()
    await asyncio.gather(asked, return_exceptions=True)
