"""What the container's sockets do of themselves."""

import pytest
from uvicorn import Config
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.server import ServerState

from functions.connections.websocket import SocketConnection


async def test_who_speaks_to_a_client_that_was_given_up_learns_that_it_is_gone() -> None:
    given_up = SocketConnection(Config(lambda: None), ServerState(), {})
    given_up.handshake_complete = given_up.close_sent = True
    with pytest.raises(ClientDisconnected):
        await given_up.send({"type": "websocket.send", "text": "anybody there?"})
