"""Proxy that drops and reorders pushes on WebSockets, and forwards everything else."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from random import Random

from tests.support.forwarding_proxy import (
    CHUNK,
    ForwardingProxy,
    Streams,
    forward,
    until_first_ends,
)

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
    proxy = LossyProxy(target_port, losses)
    with proxy.running():
        yield proxy


class LossyProxy(ForwardingProxy):
    """Closes the connection of a request for a path in `blocked`."""

    def __init__(self, target_port: int, losses: Losses) -> None:
        super().__init__(target_port)
        self.blocked: tuple[str, ...] = ()
        self._losses = losses
        self._rng = Random(losses.seed)

    async def exchange(self, client: Streams, target: Streams) -> None:
        """Forward until one of the two ends, or a request is blocked."""
        try:
            head = await client.reader.readuntil(b"\r\n\r\n")
            if self._is_blocked(head):
                return
            is_socket = head.startswith(b"GET /ws")
            target.writer.write(_without_compression(head) if is_socket else head)
            forward_responses = self._forward_frames if is_socket else forward
            await until_first_ends(
                self._forward_requests(client.reader, target.writer),
                forward_responses(target.reader, client.writer),
            )
        finally:
            client.writer.transport.abort()

    async def _forward_requests(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Forward until a later request on the kept-alive connection is blocked."""
        while (data := await reader.read(CHUNK)) and not self._is_blocked(data):
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
