"""Proxy that drops and reorders pushes on WebSockets, and forwards everything else."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from random import Random

from anyio.from_thread import start_blocking_portal

from infra.local.stop_accepting import stop_accepting

_CHUNK = 65_536
_MAX_DELAY_S = 0.05
_PUSH_TYPES = ("STATE_UPDATE", "TIME_EXPIRED", "TIME_WARNING", "SESSION_DELETED")
_TEXT = 0x81


@dataclass(frozen=True)
class Losses:
    """Probabilities that a push is dropped, and that it is sent after the next frame or late."""

    loss: float
    reorder: float
    seed: int


NO_LOSSES = Losses(0.0, 0.0, 0)


@contextmanager
def lossy_proxy(target_port: int, losses: Losses = NO_LOSSES) -> Iterator["LossyProxy"]:
    """Run a proxy to `target_port` for the duration of the block."""
    with start_blocking_portal() as portal:
        proxy = LossyProxy(target_port, losses)
        server = portal.call(asyncio.start_server, proxy.connection, "127.0.0.1", 0)
        proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield proxy
        finally:
            portal.call(proxy.close, server)


class LossyProxy:
    """Closes the connection of a request for a path in `blocked`."""

    def __init__(self, target_port: int, losses: Losses) -> None:
        self.url = ""
        self.blocked: tuple[str, ...] = ()
        self._target_port = target_port
        self._losses = losses
        self._rng = Random(losses.seed)
        self._tasks: set[asyncio.Task[None]] = set()

    def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client."""
        task = asyncio.create_task(self._serve_and_close(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self, server: asyncio.Server) -> None:
        """Stop listening and close all connections."""
        await stop_accepting([server])
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve_and_close(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                await self._serve(reader, writer)
        finally:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            if self._is_blocked(head):
                return
            is_socket = head.startswith(b"GET /ws")
            server_writer.write(_without_compression(head) if is_socket else head)
            forward_responses = self._forward_frames if is_socket else _forward
            tasks = [
                asyncio.create_task(self._forward_requests(reader, server_writer)),
                asyncio.create_task(forward_responses(server_reader, writer)),
            ]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            server_writer.transport.abort()

    async def _forward_requests(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Forward until a later request on the kept-alive connection is blocked."""
        while (data := await reader.read(_CHUNK)) and not self._is_blocked(data):
            writer.write(data)
            await writer.drain()

    def _is_blocked(self, head: bytes) -> bool:
        request_line = head.split(b"\r\n")[0]
        return any(path.encode() in request_line for path in self.blocked)

    async def _forward_frames(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Forward the response to the handshake, then frame by frame."""
        writer.write(await reader.readuntil(b"\r\n\r\n"))
        delayed = b""
        frames = _frames(reader)
        next_frame = asyncio.ensure_future(anext(frames))
        while True:
            done, _ = await asyncio.wait({next_frame}, timeout=_MAX_DELAY_S if delayed else None)
            if done:
                frame = next_frame.result()
                next_frame = asyncio.ensure_future(anext(frames))
                if _is_push(frame):
                    if self._rng.random() < self._losses.loss:
                        continue
                    if not delayed and self._rng.random() < self._losses.reorder:
                        delayed = frame
                        continue
                writer.write(frame)
            writer.write(delayed)
            delayed = b""
            await writer.drain()


def _without_compression(head: bytes) -> bytes:
    """Return the handshake without compression, so that frames are readable."""
    lines = head.split(b"\r\n")
    return b"\r\n".join(x for x in lines if not x.lower().startswith(b"sec-websocket-extensions"))


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()


async def _frames(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """Yield the frames of a server, which are not masked (RFC 6455 section 5.2)."""
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
        return json.loads(body).get("type") in _PUSH_TYPES
    return False
