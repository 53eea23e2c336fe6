"""Base of proxies that change what passes between a client and a server on this machine."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from anyio.from_thread import start_blocking_portal

from infra.local.stop_accepting import stop_accepting

CHUNK = 65_536


class Streams(NamedTuple):
    """Both directions of a connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class ForwardingProxy(ABC):
    """Opens a connection to `target_port` for each client; subclasses forward between the two."""

    def __init__(self, target_port: int) -> None:
        self.url = ""
        self._target_port = target_port
        self._tasks: set[asyncio.Task[None]] = set()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Listen at `url` for the duration of the block."""
        with start_blocking_portal() as portal:
            server = portal.call(asyncio.start_server, self._connect, "127.0.0.1", 0)
            self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            try:
                yield
            finally:
                portal.call(self._close, server)

    @abstractmethod
    async def exchange(self, client: Streams, target: Streams) -> None:
        """Forward between the two until one of them ends."""

    def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(Streams(reader, writer)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _close(self, server: asyncio.Server) -> None:
        await stop_accepting([server])
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, client: Streams) -> None:
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                target = Streams(*await asyncio.open_connection("127.0.0.1", self._target_port))
                try:
                    await self.exchange(client, target)
                finally:
                    target.writer.transport.abort()
        finally:
            client.writer.close()


async def until_first_ends(*directions: Coroutine[Any, Any, None]) -> None:
    """Run all until one of them ends, then cancel the others."""
    tasks = [asyncio.create_task(direction) for direction in directions]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Forward everything, unchanged."""
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()
