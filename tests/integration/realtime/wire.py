"""Realtime's protocol by hand, in both versions."""

import asyncio
import json
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from infra.local.realtime import LocalRealtime
from infra.local.supabase import PUBLISHABLE_KEY

_PATIENCE_S = 10.0
_PUSH_KIND, _BROADCAST_KIND = 3, 4

Frame = dict[str, Any]


class Wire:
    """One socket, that speaks version 1 or 2."""

    def __init__(self, socket: ClientConnection, version: int) -> None:
        self.socket = socket
        self._version = version
        self._refs = map(str, count(1))
        self._joins: dict[str, str] = {}

    async def send(self, topic: str, event: str, payload: Any = None) -> str:
        """Send a frame; returns its ref."""
        ref, join_ref, payload = next(self._refs), self._joins.get(topic), payload or {}
        if self._version == 1:
            said: Any = {"topic": topic, "event": event, "payload": payload, "ref": ref}
            said |= {"join_ref": join_ref}
        else:
            said = [join_ref, ref, topic, event, payload]
        await self.socket.send(json.dumps(said))
        return ref

    async def receive(self) -> Frame:
        """The next frame."""
        async with asyncio.timeout(_PATIENCE_S):
            data = await self.socket.recv()
        if isinstance(data, bytes):
            return _unpacked(data)
        said = json.loads(data)
        if self._version == 1:
            return dict(said)
        return dict(zip(("join_ref", "ref", "topic", "event", "payload"), said, strict=True))

    async def until(self, event: str) -> Frame:
        """The next frame of that event, whatever comes before it."""
        while (frame := await self.receive())["event"] != event:
            pass
        return frame

    async def answer_to(self, ref: str) -> Frame:
        """The payload of the next frame, which is the answer to `ref`."""
        frame = await self.receive()
        assert (frame["event"], frame["ref"]) == ("phx_reply", ref), frame
        payload: Frame = frame["payload"]
        return payload

    async def is_silent(self) -> bool:
        """Whether the server has sent nothing before it answers a heartbeat."""
        ref = await self.send("phoenix", "heartbeat")
        frame = await self.receive()
        return (frame["event"], frame["ref"]) == ("phx_reply", ref)

    async def ask_to_join(self, topic: str, token: str | None = None, **config: Any) -> Frame:
        """The answer to a join."""
        asked = {"config": {"presence": {"enabled": False}, **config}, "access_token": token}
        self._joins[topic] = f"join-{next(self._refs)}"
        return await self.answer_to(await self.send(topic, "phx_join", asked))

    async def join(self, topic: str, token: str | None = None, **config: Any) -> None:
        """Be in a topic."""
        answer = await self.ask_to_join(topic, token, **config)
        assert answer["status"] == "ok", answer

    async def broadcast(self, topic: str, event: str, payload: Any = None) -> str:
        """Tell the others something; returns the frame's ref."""
        said = {"type": "broadcast", "event": event, "payload": payload or {}}
        return await self.send(topic, "broadcast", said)

    async def push(self, topic: str, event: str, payload: bytes, *, is_json: bool) -> None:
        """The same as a binary frame."""
        parts = [b"1", next(self._refs).encode(), topic.encode(), event.encode(), b""]
        head = struct.pack("7B", _PUSH_KIND, *map(len, parts), is_json)
        await self.socket.send(head + b"".join(parts) + payload)


def _unpacked(data: bytes) -> Frame:
    kind, *lengths, is_json = struct.unpack_from("5B", data)
    assert kind == _BROADCAST_KIND
    rest, parts = data[5:], []
    for length in lengths:
        parts.append(rest[:length].decode())
        rest = rest[length:]
    topic, event, meta = parts
    payload = {"event": event, "payload": json.loads(rest) if is_json else rest}
    said = payload | ({"meta": json.loads(meta)} if meta else {})
    return {"topic": topic, "event": "broadcast", "payload": said, "ref": None, "is_binary": True}


def frame(
    version: int, topic: str, event: str, payload: Any, ref: str | None = None
) -> dict[str, Any]:
    """A frame that belongs to no join, as the server sends it."""
    said = {"topic": topic, "event": event, "payload": payload, "ref": ref}
    return said if version == 1 else said | {"join_ref": None}


@asynccontextmanager
async def wire(
    server: LocalRealtime, version: int = 2, key: str = PUBLISHABLE_KEY, **options: Any
) -> AsyncIterator[Wire]:
    """A socket."""
    query = f"apikey={key}&vsn={version}.0.0"
    url = f"{server.url.replace('http', 'ws')}/realtime/v1/websocket?{query}"
    async with connect(url, compression=None, max_queue=None, **options) as socket:
        yield Wire(socket, version)
