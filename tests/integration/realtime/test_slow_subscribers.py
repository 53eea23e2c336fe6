"""One who doesn't read is cut off, and nobody waits for it."""

import socket
import time

import pytest
from websockets.exceptions import ConnectionClosedError

from infra.local.postgres import EmbeddedPostgres
from infra.local.realtime import RealtimeOptions, local_realtime
from tests.integration.realtime.project import message, sending_to
from tests.integration.realtime.wire import Wire, wire

_TOPIC = "realtime:room"
_QUEUE = 50
_MESSAGES = 400
_TEXT = "x" * 50_000
_LATE_S = 1.0


def _deaf() -> socket.socket:
    """A socket for which the kernel keeps little."""
    tcp = socket.socket()
    tcp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    return tcp


async def test_a_slow_subscriber_is_cut_off_and_the_others_don_t_notice(
    postgres: EmbeddedPostgres,
) -> None:
    with local_realtime(postgres.url, RealtimeOptions(queue_frames=_QUEUE)) as server:
        tcp = _deaf()
        tcp.connect(("127.0.0.1", int(server.url.rsplit(":", 1)[1])))
        async with (
            wire(server, sock=tcp, close_timeout=0.1) as slow,
            wire(server) as quick,
            sending_to(server.url) as sender,
        ):
            await slow.join(_TOPIC)
            await quick.join(_TOPIC)
            slow.socket.transport.pause_reading()
            latest_s = 0.0
            for number in range(_MESSAGES):
                said = {"n": number, "text": _TEXT}
                sent_s = time.monotonic()
                await sender.batch(message("room", "said", said, private=False))
                heard = await quick.receive()
                latest_s = max(latest_s, time.monotonic() - sent_s)
                assert heard["payload"]["payload"]["n"] == number
            assert latest_s < _LATE_S
            slow.socket.transport.resume_reading()
            with pytest.raises(ConnectionClosedError):
                await _receive_all(slow)


async def _receive_all(client: Wire) -> None:
    for _ in range(_MESSAGES):
        await client.receive()
