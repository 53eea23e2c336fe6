"""A proxy that loses and reorders what a server pushes through WebSockets, and nothing else."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from random import Random

from anyio.from_thread import start_blocking_portal

from infra.local.stop_accepting import stop_accepting

_CHUNK = 65_536
_HOLD_S = 0.05
_PUSHES = ("STATE_UPDATE", "TIME_EXPIRED", "TIME_WARNING", "SESSION_DELETED")
_TEXT = 0x81


@dataclass(frozen=True)
class Losses:
    """The probability that a push is lost, and that it comes after the next frame, or late."""

    lost: float
    reordered: float
    seed: int


NONE = Losses(0.0, 0.0, 0)


@contextmanager
def losing_proxy(target_port: int, losses: Losses = NONE) -> Iterator["LosingProxy"]:
    """A proxy to `target_port`, to the end of the block."""
    with start_blocking_portal() as portal:
        proxy = LosingProxy(target_port, losses)
        server = portal.call(asyncio.start_server, proxy.connection, "127.0.0.1", 0)
        proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield proxy
        finally:
            portal.call(proxy.close, server)


class LosingProxy:
    """Requests for a path in `blocked` are cut off."""

    def __init__(self, target_port: int, losses: Losses) -> None:
        self.url = ""
        self.blocked: tuple[str, ...] = ()
        self._target_port = target_port
        self._losses = losses
        self._dice = Random(losses.seed)
        self._tasks: set[asyncio.Task[None]] = set()

    def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client."""
        task = asyncio.create_task(self._serve_well(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self, server: asyncio.Server) -> None:
        """Cut everybody off."""
        await stop_accepting([server])
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve_well(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                await self._serve(reader, writer)
        finally:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_in, there_out = await asyncio.open_connection("127.0.0.1", self._target_port)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            if self._is_blocked(head):
                return
            is_socket = head.startswith(b"GET /ws")
            there_out.write(_uncompressed(head) if is_socket else head)
            back = self._pass_frames if is_socket else _pass_on
            ways = [
                asyncio.create_task(self._pass_requests(reader, there_out)),
                asyncio.create_task(back(there_in, writer)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        finally:
            there_out.transport.abort()

    async def _pass_requests(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """What follows on a connection that is kept alive may be blocked as well."""
        while (data := await reader.read(_CHUNK)) and not self._is_blocked(data):
            writer.write(data)
            await writer.drain()

    def _is_blocked(self, head: bytes) -> bool:
        request_line = head.split(b"\r\n")[0]
        return any(path.encode() in request_line for path in self.blocked)

    async def _pass_frames(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Frame by frame, behind the answer to the handshake."""
        writer.write(await reader.readuntil(b"\r\n\r\n"))
        held = b""
        frames = _frames(reader)
        coming = asyncio.ensure_future(anext(frames))
        while True:
            done, _ = await asyncio.wait({coming}, timeout=_HOLD_S if held else None)
            if done:
                frame = coming.result()
                coming = asyncio.ensure_future(anext(frames))
                if _is_push(frame):
                    if self._dice.random() < self._losses.lost:
                        continue
                    if not held and self._dice.random() < self._losses.reordered:
                        held = frame
                        continue
                writer.write(frame)
            writer.write(held)
            held = b""
            await writer.drain()


def _uncompressed(head: bytes) -> bytes:
    """The handshake without an offer to compress: frames must be readable."""
    lines = head.split(b"\r\n")
    return b"\r\n".join(x for x in lines if not x.lower().startswith(b"sec-websocket-extensions"))


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()


async def _frames(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """The frames of a server, which are not masked (RFC 6455 §5.2)."""
    while True:
        head = await reader.readexactly(2)
        extra = {126: 2, 127: 8}.get(head[1], 0)
        length = await reader.readexactly(extra)
        size = int.from_bytes(length, "big") if extra else head[1]
        yield head + length + await reader.readexactly(size)


def _is_push(frame: bytes) -> bool:
    if frame[0] != _TEXT:
        return False
    body = frame[{126: 4, 127: 10}.get(frame[1], 2) :]
    with suppress(ValueError):
        return json.loads(body).get("type") in _PUSHES
    return False
