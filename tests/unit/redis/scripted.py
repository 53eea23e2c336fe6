"""A RESP server whose replies a test scripts."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from hiredis import Reader

from infra.local.stop_accepting import stop_accepting
from shared.store.redis.address import RedisAddress
from shared.store.redis.handshake import _log_in
from shared.store.redis.pipeline import PipelinedConnection

OK = b"+OK\r\n"
PONG = b"+PONG\r\n"
HELLO = b"*2\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n"


def bulk(text: bytes) -> bytes:
    """A bulk string."""
    return b"$%d\r\n%s\r\n" % (len(text), text)


def error(text: str) -> bytes:
    """An error reply."""
    return f"-{text}\r\n".encode()


ReplyFunction = Callable[[list[bytes], int], bytes | None]
"""Returns the reply to a command on the connection of that number, from 0; `None`: no reply."""


class Wire:
    """The transport of `link` without a socket: it passes each sent command to `receive`."""

    def __init__(self, link: PipelinedConnection, receive: Callable[[list[bytes]], None]) -> None:
        self._link = link
        self._receive = receive
        self._parser = Reader()

    def write(self, data: bytes) -> None:
        self._parser.feed(data)
        while (command := self._parser.gets()) is not False:
            self._receive(command)

    def close(self) -> None: ...

    def abort(self) -> None:
        self._link.connection_lost(None)


@dataclass
class ScriptedRedis:
    """Replies to `HELLO` by `greeting`, to `PING` by `pong` and to all else by `answer`."""

    answer: ReplyFunction
    greeting: Callable[[int], bytes] = lambda _: HELLO
    pong: Callable[[int], bytes] = lambda _: PONG
    port: int = 0
    opened: int = 0
    received: list[tuple[int, list[bytes]]] = field(default_factory=list)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    ended: list["asyncio.Future[None]"] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def count(self, command: bytes) -> int:
        """How often `command` was received."""
        return sum(received[0] == command for _, received in self.received)

    def drop_all(self) -> None:
        for writer in self.writers:
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        number, self.opened = self.opened, self.opened + 1
        self.writers.append(writer)
        ended = asyncio.get_running_loop().create_future()
        self.ended.append(ended)
        parser = Reader()
        try:
            while data := await reader.read(65536):
                parser.feed(data)
                while (command := parser.gets()) is not False:
                    self.received.append((number, command))
                    if (reply := self._reply(command, number)) is not None:
                        writer.write(reply)
        except OSError:
            pass
        finally:
            writer.close()
            ended.set_result(None)

    async def open_link(self) -> PipelinedConnection:
        """Log in on a connection without a socket, as tests in virtual time need it."""
        link, number = PipelinedConnection(), self.opened
        self.opened += 1

        def receive(command: list[bytes]) -> None:
            self.received.append((number, command))
            if (reply := self._reply(command, number)) is not None:
                asyncio.get_running_loop().call_soon(link.data_received, reply)

        link.connection_made(Wire(link, receive))
        await _log_in(link, RedisAddress(()))
        return link

    async def close(self) -> None:
        """Close all connections and wait for their end."""
        self.drop_all()
        await asyncio.gather(*self.ended)

    def _reply(self, command: list[bytes], number: int) -> bytes | None:
        if command[0] == b"HELLO":
            return self.greeting(number)
        if command[0] == b"PING":
            return self.pong(number)
        return self.answer(command, number)


@asynccontextmanager
async def scripted_redis(answer: ReplyFunction) -> AsyncIterator[ScriptedRedis]:
    """Run the server until the end of the block."""
    scripted = ScriptedRedis(answer)
    server = await asyncio.start_server(scripted.serve, "127.0.0.1", 0)
    scripted.port = server.sockets[0].getsockname()[1]
    try:
        yield scripted
    finally:
        await stop_accepting([server])
        server.close()
        await scripted.close()
