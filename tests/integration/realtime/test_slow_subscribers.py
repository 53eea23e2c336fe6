"""A subscriber that doesn't read is disconnected and delays no other subscriber."""

import socket
import time

import pytest
from websockets.exceptions import ConnectionClosedError

from infra.local.postgres import EmbeddedPostgres
from infra.local.realtime import RealtimeOptions, local_realtime
from tests.integration.realtime.project import message, sending_to
from tests.integration.realtime.wire import RawClient, raw_client

_TOPIC = "realtime:room"
_QUEUE_FRAMES = 50
_MESSAGES = 400
_TEXT = "x" * 50_000
_MAX_LATENCY_S = 1.0


def _small_buffer_socket() -> socket.socket:
    """A socket with a small receive buffer."""
    tcp = socket.socket()
    tcp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    return tcp


async def test_a_slow_subscriber_is_disconnected_without_delaying_others(
    postgres: EmbeddedPostgres,
) -> None:
    with local_realtime(postgres.url, RealtimeOptions(queue_frames=_QUEUE_FRAMES)) as server:
        tcp = _small_buffer_socket()
        tcp.connect(("127.0.0.1", int(server.url.rsplit(":", 1)[1])))
        async with (
            raw_client(server, sock=tcp, close_timeout=0.1) as slow,
            raw_client(server) as quick,
            sending_to(server.url) as sender,
        ):
            await slow.join(_TOPIC)
            await quick.join(_TOPIC)
            slow.socket.transport.pause_reading()
            slowest_s = 0.0
            for number in range(_MESSAGES):
                payload = {"n": number, "text": _TEXT}
                sent_s = time.monotonic()
                await sender.batch(message("room", "said", payload, private=False))
                received = await quick.receive()
                slowest_s = max(slowest_s, time.monotonic() - sent_s)
                assert received["payload"]["payload"]["n"] == number
            assert slowest_s < _MAX_LATENCY_S
            slow.socket.transport.resume_reading()
            with pytest.raises(ConnectionClosedError):
                await _receive_all(slow)


async def _receive_all(client: RawClient) -> None:
    for _ in range(_MESSAGES):
        await client.receive()
