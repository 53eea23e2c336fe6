"""WebSocket client for live pushes."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from infra.local.instance import Instance

_TIMEOUT_S = 30.0

Message = dict[str, Any]


class LiveClient:
    """A socket on one session, with all messages received so far."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.received: list[Message] = []

    async def next(self) -> Message:
        """Wait for the next message. Raises `TimeoutError` after 30 s."""
        async with asyncio.timeout(_TIMEOUT_S):
            message: Message = json.loads(await self.socket.recv())
        self.received.append(message)
        return message

    async def until(self, is_last: Callable[[Message], bool]) -> list[Message]:
        """Return all messages up to and including the first for which `is_last` is true."""
        messages = [await self.next()]
        while not is_last(messages[-1]):
            messages.append(await self.next())
        return messages

    async def until_type(self, kind: str) -> Message:
        """Return the next message of type `kind`."""
        return (await self.until(lambda message: message["type"] == kind))[-1]

    async def until_version(self, version: int) -> list[Message]:
        """Return all messages up to and including the state of `version` or a later one."""
        return await self.until(lambda m: m.get("state", {}).get("version", 0) >= version)

    async def send(self, message: Any) -> None:
        """Send `message` as JSON; a string is sent unchanged."""
        await self.socket.send(message if isinstance(message, str) else json.dumps(message))


@asynccontextmanager
async def connect_live(
    instance: Instance, session_id: str, query: str = ""
) -> AsyncIterator[LiveClient]:
    """Open a socket on the session and wait for `CONNECTED`."""
    address = f"{instance.ws}?sessionId={session_id}{query}"
    # No queue limit: with a full queue, closing the socket would wait for its timeout.
    async with connect(address, max_queue=None) as socket:
        follower = LiveClient(socket)
        connected = await follower.next()
        assert (connected["type"], connected["sessionId"]) == ("CONNECTED", session_id)
        yield follower


def versions(messages: list[Message]) -> list[int]:
    """Return the versions of the `STATE_UPDATE`s in `messages`, in order of arrival."""
    return [m["state"]["version"] for m in messages if m["type"] == "STATE_UPDATE"]
