"""WebSocket connections of the container: direct writes, and clients that are gone."""

from typing import Any

import pytest
from uvicorn import Config
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.server import ServerState
from websockets.protocol import OPEN

from functions.container.connections.websocket import WebSocketConnection


async def test_sending_on_a_closed_connection_raises_client_disconnected() -> None:
    closed = WebSocketConnection(Config(lambda: None), ServerState(), {})
    closed.handshake_complete = closed.close_sent = True
    with pytest.raises(ClientDisconnected):
        await closed.send({"type": "websocket.send", "text": "hello"})


class _Transport:
    """Records what is written; closes or fails if told to."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closes = False
        self.failure: Exception | None = None

    def is_closing(self) -> bool:
        return self.closes

    def write(self, data: bytes) -> None:
        if self.failure:
            raise self.failure
        self.written.append(data)


def _open_socket() -> tuple[WebSocketConnection, _Transport]:
    socket, transport = WebSocketConnection(Config(lambda: None), ServerState(), {}), _Transport()
    untyped: Any = socket
    untyped.transport = transport
    socket.handshake_complete = True
    socket.conn.state = OPEN
    return socket, transport


async def test_a_message_is_written_at_once_while_there_is_room() -> None:
    socket, transport = _open_socket()
    assert socket.try_send("{}")
    assert transport.written == [b"\x81\x02{}"]


@pytest.mark.parametrize("why", ["no room", "no handshake yet", "close sent", "lost", "closing"])
async def test_a_message_that_can_t_be_written_at_once_is_left_to_the_caller(why: str) -> None:
    socket, transport = _open_socket()
    match why:
        case "no room":
            socket.writable.clear()
        case "no handshake yet":
            socket.handshake_complete = False
        case "close sent":
            socket.close_sent = True
        case "lost":
            socket.disconnected = True
        case _:
            transport.closes = True
    assert not socket.try_send("{}")
    assert not transport.written


async def test_a_failed_write_leaves_the_message_to_the_caller() -> None:
    socket, transport = _open_socket()
    transport.failure = RuntimeError("the handler is closed")  # as uvloop does
    assert not socket.try_send("{}")
