"""Clients that send and never read, and measurements of the instance that serves them."""

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
_TIMEOUT_S = 30.0


class NonReadingClient:
    """A connection that isn't read: received data fills the kernel's buffers, which are small."""

    def __init__(self, instance: Instance) -> None:
        self._address = ("127.0.0.1", instance.port)
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)
        self._socket.setblocking(False)

    async def connect(self, data: bytes) -> None:
        """Connect and send `data`."""
        loop = asyncio.get_running_loop()
        await loop.sock_connect(self._socket, self._address)
        await loop.sock_sendall(self._socket, data)

    async def open(self, session_id: str) -> None:
        """Connect and open a WebSocket; read no further than the handshake's response."""
        await self.connect(handshake(session_id))
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += await asyncio.get_running_loop().sock_recv(self._socket, 1)
        assert b" 101 " in answer

    async def pour(self, data: bytes, most_bytes: int) -> int:
        """Send `data` repeatedly; return the number of bytes sent until the connection blocked.

        It counts as blocked after 0.5 s without progress.
        """
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
        """Return whether the connection is reset, so that no buffer keeps data of it."""
        poll = select.poll()
        poll.register(self._socket, 0)  # only errors and hang-ups; an orderly close is neither
        return bool(await asyncio.to_thread(poll.poll, within_s * 1000))

    async def is_over(self, within_s: float) -> bool:
        """Return whether the server has closed or reset the connection."""
        poll = select.poll()
        poll.register(self._socket, getattr(select, "POLLRDHUP", 0))
        return bool(await asyncio.to_thread(poll.poll, within_s * 1000))

    def close(self) -> None:
        self._socket.close()


@contextmanager
def non_reading_clients(instance: Instance, count: int) -> Iterator[list[NonReadingClient]]:
    """Make `count` clients, not yet connected; close them at the end of the block."""
    clients = [NonReadingClient(instance) for _ in range(count)]
    try:
        yield clients
    finally:
        for client in clients:
            client.close()


def handshake(session_id: str, **headers: str) -> bytes:
    """Return the request that opens a WebSocket (RFC 6455 section 4.1)."""
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
    """Return a client's frame with a payload of up to 125 bytes, masked with zeros."""
    assert len(payload) < 126
    return bytes([opcode | (0x80 if is_last else 0), 0x80 | len(payload), 0, 0, 0, 0]) + payload


def rss_mib(instance: Instance) -> float:
    """Return the instance's resident memory in MiB."""
    command = ["ps", "-o", "rss=", "-p", str(instance.process.pid)]
    return int(subprocess.run(command, capture_output=True, check=True).stdout) / 1024


async def count_live_connections(http: httpx.AsyncClient) -> int:
    """Return the number of sockets and event streams in the instance's metrics."""
    lines = (await http.get("/metrics")).text.splitlines()
    (line,) = (line for line in lines if line.startswith("synckairos_websocket_connections "))
    return int(float(line.split()[1]))


async def wait_until_connected(http: httpx.AsyncClient, count: int) -> None:
    """Wait until the instance has exactly `count` connections."""
    began = monotonic()
    while (connected := await count_live_connections(http)) != count:
        assert monotonic() - began < _TIMEOUT_S, f"{connected} live connections, not {count}"
        await asyncio.sleep(_POLL_S)
