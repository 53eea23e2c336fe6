"""A client that speaks Realtime's protocol directly, in versions 1 and 2."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from infra.local.realtime import LocalRealtime
from infra.local.supabase import PUBLISHABLE_KEY

_TIMEOUT_S = 30.0

Frame = dict[str, Any]


class RawClient:
    """A socket that speaks version 1 or 2."""

    def __init__(self, socket: ClientConnection, version: int) -> None:
        self.socket = socket
        self._version = version
        self._refs = map(str, count(1))
        self._joins: dict[str, str] = {}

    async def send(self, topic: str, event: str, payload: Any = None) -> str:
        """Send a frame; return its ref."""
        ref, join_ref, payload = next(self._refs), self._joins.get(topic), payload or {}
        if self._version == 1:
            message: Any = {"topic": topic, "event": event, "payload": payload, "ref": ref}
            message |= {"join_ref": join_ref}
        else:
            message = [join_ref, ref, topic, event, payload]
        await self.socket.send(json.dumps(message))
        return ref

    async def receive(self) -> Frame:
        """Wait for the next frame."""
        async with asyncio.timeout(_TIMEOUT_S):
            data = await self.socket.recv()
        if isinstance(data, bytes):
            return _broadcast_in(data)
        decoded = json.loads(data)
        if self._version == 1:
            return dict(decoded)
        return dict(zip(("join_ref", "ref", "topic", "event", "payload"), decoded, strict=True))

    async def reply_to(self, ref: str) -> Frame:
        """Assert that the next frame is the reply to `ref`; return its payload."""
        frame = await self.receive()
        assert (frame["event"], frame["ref"]) == ("phx_reply", ref), frame
        payload: Frame = frame["payload"]
        return payload

    async def receives_nothing(self) -> bool:
        """Return whether the server answers a heartbeat without sending another frame first."""
        ref = await self.send("phoenix", "heartbeat")
        frame = await self.receive()
        return (frame["event"], frame["ref"]) == ("phx_reply", ref)

    async def ask_to_join(self, topic: str, token: str | None = None, **config: Any) -> Frame:
        """Request to join `topic`; return the reply."""
        request = {"config": config, "access_token": token}
        self._joins[topic] = f"join-{next(self._refs)}"
        return await self.reply_to(await self.send(topic, "phx_join", request))

    async def join(self, topic: str, token: str | None = None, **config: Any) -> None:
        """Join `topic` and assert that it succeeded."""
        answer = await self.ask_to_join(topic, token, **config)
        assert answer["status"] == "ok", answer


def frame(
    version: int, topic: str, event: str, payload: Any, ref: str | None = None
) -> dict[str, Any]:
    """Return a frame without a join ref, as the server sends it."""
    sent = {"topic": topic, "event": event, "payload": payload, "ref": ref}
    return sent if version == 1 else sent | {"join_ref": None}


def _broadcast_in(data: bytes) -> Frame:
    """Return the frame in the binary form that version 2 has for single messages."""
    kind, *lengths, encoding = data[:5]
    assert (kind, encoding) == (4, 1), data
    texts, rest = list[str](), data[5:]
    for length in lengths:
        texts.append(rest[:length].decode())
        rest = rest[length:]
    topic, event, _ = texts
    payload = {"type": "broadcast", "event": event, "payload": json.loads(rest)}
    return frame(2, topic, "broadcast", payload)


@asynccontextmanager
async def raw_client(
    server: LocalRealtime, version: int = 2, key: str = PUBLISHABLE_KEY
) -> AsyncIterator[RawClient]:
    """A connected socket."""
    query = f"apikey={key}&vsn={version}.0.0"
    url = f"{server.url.replace('http', 'ws')}/realtime/v1/websocket?{query}"
    async with connect(url, compression=None, max_queue=None) as socket:
        yield RawClient(socket, version)
