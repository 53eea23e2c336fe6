"""News over a WebSocket, as they happen."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from functions.tools.demo.failure import DemoFailed
from functions.tools.demo.state import Message, decode_message
from functions.tools.demo.transport import Seat


class Pushes:
    """A `Transport`."""

    words = "WebSocket"
    speed = 60.0

    @asynccontextmanager
    async def follow(self, seat: Seat) -> AsyncIterator[AsyncIterator[Message]]:
        """See `Transport`."""
        async with _connection(seat.url, seat.session_id) as socket:
            await socket.recv()
            yield _messages(socket)


async def can_be_had(url: str) -> bool:
    """Whether the service at `url` takes WebSockets. Raises `DemoFailed` when it isn't there."""
    try:
        async with _connection(url, str(uuid4())):
            return True
    except InvalidHandshake:
        return False
    except (OSError, ConnectionClosed) as error:
        raise DemoFailed(f"The service can't be reached: {error}") from error


def _connection(url: str, session_id: str) -> connect:
    address = f"ws{url.removeprefix('http')}/ws?sessionId={session_id}"
    return connect(address, compression=None, proxy=None)


async def _messages(socket: ClientConnection) -> AsyncIterator[Message]:
    try:
        while True:
            yield decode_message(await socket.recv())
    except ConnectionClosed as error:
        raise DemoFailed("The service closed the connection; the game can't go on.") from error
