"""The sending side of a client's WebSocket."""

import asyncio
from collections.abc import Callable
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from infra.local.realtime.messages import Broadcast, Message, encode


class ClientSocket:
    """Queues frames and sends them as fast as the client reads.

    A client with more than `max_queued` waiting frames is disconnected, so that it can't delay
    other clients.
    """

    def __init__(self, websocket: WebSocket, version: int, max_queued: int) -> None:
        self.version = version
        self._websocket = websocket
        self._queue: asyncio.Queue[str | bytes] = asyncio.Queue(max_queued)
        self._cut: Callable[[], None] = websocket.state.cut

    def put(self, frame: str | bytes) -> None:
        """Queue an encoded frame."""
        try:
            self._queue.put_nowait(frame)
        except asyncio.QueueFull:
            self._cut()

    def send(
        self,
        topic: str,
        event: str,
        payload: Any,
        *,
        ref: str | None = None,
        join_ref: str | None = None,
    ) -> None:
        """Encode and queue a message."""
        self.put(encode(Message(topic, event, payload, ref, join_ref), self.version))

    def reply(self, to: Message, status: str, response: dict[str, Any] | None = None) -> None:
        """Reply to a client's message (`phx_reply`)."""
        payload = {"status": status, "response": response or {}}
        self.send(to.topic, "phx_reply", payload, ref=to.ref, join_ref=to.join_ref)

    def encode(self, broadcast: Broadcast) -> str | bytes | None:
        """Return the frame in the client's protocol version, or `None` if it can't be encoded."""
        return broadcast.first if self.version == 1 else broadcast.second

    async def write(self) -> None:
        """Send the queued frames until the client disconnects."""
        try:
            while True:
                frame = await self._queue.get()
                if isinstance(frame, bytes):
                    await self._websocket.send_bytes(frame)
                else:
                    await self._websocket.send_text(frame)
        except WebSocketDisconnect:
            pass
