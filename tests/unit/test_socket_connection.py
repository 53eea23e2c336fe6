"""What the container's sockets do of themselves."""

from typing import Any

import pytest
from uvicorn import Config
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.server import ServerState
from websockets.protocol import OPEN

from functions.container.connections.websocket import WebSocketConnection


async def test_who_speaks_to_a_client_that_was_given_up_learns_that_it_is_gone() -> None:
    given_up = WebSocketConnection(Config(lambda: None), ServerState(), {})
    given_up.handshake_complete = given_up.close_sent = True
    with pytest.raises(ClientDisconnected):
        await given_up.send({"type": "websocket.send", "text": "anybody there?"})


class _Transport:
    """What was written to it, and what it says when it is written to."""

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
    assert socket.sends_now("{}")
    assert transport.written == [b"\x81\x02{}"]


@pytest.mark.parametrize("why", ["no room", "no handshake yet", "closed by us", "lost", "closing"])
async def test_a_message_that_can_t_be_written_at_once_is_left_to_the_caller(why: str) -> None:
    socket, transport = _open_socket()
    match why:
        case "no room":
            socket.writable.clear()
        case "no handshake yet":
            socket.handshake_complete = False
        case "closed by us":
            socket.close_sent = True
        case "lost":
            socket.disconnected = True
        case _:
            transport.closes = True
    assert not socket.sends_now("{}")
    assert not transport.written


async def test_a_connection_that_was_reset_a_moment_ago_harms_nobody_else() -> None:
    socket, transport = _open_socket()
    transport.failure = RuntimeError("the handler is closed")  # as uvloop says
    assert not socket.sends_now("{}")
