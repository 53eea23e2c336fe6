"""Clients of live pushes for tests."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from infra.local.instance import Instance

_PATIENCE_S = 10.0

Message = dict[str, Any]


class LiveClient:
    """One socket on one session, with everything it received so far."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.received: list[Message] = []

    async def next(self) -> Message:
        """The next message."""
        async with asyncio.timeout(_PATIENCE_S):
            message: Message = json.loads(await self.socket.recv())
        self.received.append(message)
        return message

    async def until(self, is_last: Callable[[Message], bool]) -> list[Message]:
        """All messages up to and with the first for which `is_last`."""
        messages = [await self.next()]
        while not is_last(messages[-1]):
            messages.append(await self.next())
        return messages

    async def until_type(self, kind: str) -> Message:
        """The next message of that type."""
        return (await self.until(lambda message: message["type"] == kind))[-1]

    async def until_version(self, version: int) -> list[Message]:
        """All messages up to and with the state of that version."""
        return await self.until(lambda m: m.get("state", {}).get("version", 0) >= version)

    async def send(self, message: Any) -> None:
        """Send a message, or text as it is."""
        await self.socket.send(message if isinstance(message, str) else json.dumps(message))


@asynccontextmanager
async def connect_live(
    instance: Instance, session_id: str, query: str = ""
) -> AsyncIterator[LiveClient]:
    """A socket that has been greeted."""
    address = f"{instance.ws}?sessionId={session_id}{query}"
    # Without a bound: one who leaves with messages unread would wait for the end of its close.
    async with connect(address, max_queue=None) as socket:
        follower = LiveClient(socket)
        greeting = await follower.next()
        assert (greeting["type"], greeting["sessionId"]) == ("CONNECTED", session_id)
        yield follower


def versions(messages: list[Message]) -> list[int]:
    """The versions of the states among `messages`, in order of arrival."""
    return [m["state"]["version"] for m in messages if m["type"] == "STATE_UPDATE"]
