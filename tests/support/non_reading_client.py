"""Clients that send and never read, and what they cost the instance."""

import asyncio
import select
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

import httpx

from infra.local.instance import Instance
from tests.support.raw_http import request_head

_RECEIVE_BYTES = 4_096
_BLOCKED_S = 0.5
_POLL_S = 0.05
_PATIENCE_S = 20.0


class NonReadingClient:
    """One connection; what comes stays in the kernel, which soon takes no more."""

    def __init__(self, instance: Instance) -> None:
        self._address = ("127.0.0.1", instance.port)
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)
        self._socket.setblocking(False)

    async def connect(self, greeting: bytes) -> None:
        """Connect and send `greeting`."""
        loop = asyncio.get_running_loop()
        await loop.sock_connect(self._socket, self._address)
        await loop.sock_sendall(self._socket, greeting)

    async def open(self, session_id: str) -> None:
        """Connect and open a WebSocket; nothing is read beyond its greeting."""
        await self.connect(handshake(session_id))
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += await asyncio.get_running_loop().sock_recv(self._socket, 1)
        assert b" 101 " in answer

    async def pour(self, data: bytes, most_bytes: int) -> int:
        """Send `data` over and over; how many bytes went out until nobody took any more."""
        loop = asyncio.get_running_loop()
        sent = 0
        try:
            while sent < most_bytes:
                async with asyncio.timeout(_BLOCKED_S):
                    await loop.sock_sendall(self._socket, data)
                sent += len(data)
        except (TimeoutError, ConnectionError):
            pass
        return sent

    async def is_cut_off(self, within_s: float) -> bool:
        """Whether the connection is reset, so that nothing of it is kept anywhere."""
        watch = select.poll()
        watch.register(self._socket, 0)  # errors and hang-ups alone: an end in order is none
        return bool(await asyncio.to_thread(watch.poll, within_s * 1000))

    async def is_over(self, within_s: float) -> bool:
        """Whether the other side has closed the connection, in whatever way."""
        watch = select.poll()
        watch.register(self._socket, getattr(select, "POLLRDHUP", 0))
        return bool(await asyncio.to_thread(watch.poll, within_s * 1000))

    def close(self) -> None:
        """Leave."""
        self._socket.close()


@contextmanager
def non_reading_clients(instance: Instance, count: int) -> Iterator[list[NonReadingClient]]:
    """So many of them, not yet connected."""
    clients = [NonReadingClient(instance) for _ in range(count)]
    try:
        yield clients
    finally:
        for client in clients:
            client.close()


def handshake(session_id: str, **headers: str) -> bytes:
    """The request that opens a WebSocket (RFC 6455 §4.1)."""
    return request_head(
        "GET",
        f"/ws?sessionId={session_id}",
        Connection="Upgrade",
        Upgrade="websocket",
        Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25jZQ==",
        Sec_WebSocket_Version="13",
        **headers,
    )


def frame(opcode: int, payload: bytes = b"", *, is_last: bool = True) -> bytes:
    """A client's frame of up to 125 bytes, masked with zeros."""
    assert len(payload) < 126
    return bytes([opcode | (0x80 if is_last else 0), 0x80 | len(payload), 0, 0, 0, 0]) + payload


def rss_mib(instance: Instance) -> float:
    """What the instance has in memory now, MiB."""
    command = ["ps", "-o", "rss=", "-p", str(instance.process.pid)]
    return int(subprocess.run(command, capture_output=True, check=True).stdout) / 1024


async def count_live_connections(http: httpx.AsyncClient) -> int:
    """How many sockets and event streams the instance has by its own count."""
    lines = (await http.get("/metrics")).text.splitlines()
    (line,) = (one for one in lines if one.startswith("synckairos_websocket_connections "))
    return int(float(line.split()[1]))


async def wait_until_connected(http: httpx.AsyncClient, count: int) -> float:
    """Return when exactly so many are; how long that took, s."""
    began = monotonic()
    while (there := await count_live_connections(http)) != count:
        assert monotonic() - began < _PATIENCE_S, f"{there} live connections, not {count}"
        await asyncio.sleep(_POLL_S)
    return monotonic() - began
