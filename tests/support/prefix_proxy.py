"""A reverse proxy that serves a server below a path, and removes that path from requests."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from anyio.from_thread import start_blocking_portal

from infra.local.stop_accepting import stop_accepting

_CHUNK = 65_536
_NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_METHODS = (b"GET ", b"POST ", b"PATCH ", b"DELETE ", b"OPTIONS ")


@contextmanager
def prefix_proxy(target_port: int, prefix: str) -> Iterator[str]:
    """Run a proxy to `target_port` for the duration of the block; yield the URL with `prefix`.

    It keeps the `Host`, and answers 404 to requests outside of `prefix`.
    """
    with start_blocking_portal() as portal:
        proxy = _PrefixProxy(target_port, prefix.encode())
        server = portal.call(asyncio.start_server, proxy.connection, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}{prefix}"
        finally:
            portal.call(proxy.close, server)


class _PrefixProxy:
    def __init__(self, target_port: int, prefix: bytes) -> None:
        self._target_port = target_port
        self._prefix = prefix
        self._tasks: set[asyncio.Task[None]] = set()

    def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client."""
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self, server: asyncio.Server) -> None:
        """Stop listening and close all connections."""
        await stop_accepting([server])
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target_reader, target_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        try:
            with suppress(OSError):
                tasks = {
                    asyncio.create_task(self._forward_requests(reader, target_writer, writer)),
                    asyncio.create_task(_forward(target_reader, writer)),
                }
                try:
                    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for task in tasks:
                        task.cancel()
                    await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            target_writer.transport.abort()
            writer.close()

    async def _forward_requests(
        self,
        reader: asyncio.StreamReader,
        target: asyncio.StreamWriter,
        client: asyncio.StreamWriter,
    ) -> None:
        """Forward each request without the prefix.

        A client sends a request only after the answer to the one before, so each begins a chunk.
        """
        while data := await reader.read(_CHUNK):
            if data.startswith(_METHODS):
                method, path = data.split(b" ", 1)
                if not path.startswith(self._prefix + b"/"):
                    client.write(_NOT_FOUND)
                    return
                data = method + b" " + path.removeprefix(self._prefix)
            target.write(data)
            await target.drain()


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()
