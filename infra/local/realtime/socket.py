"""One client's WebSocket, as far as what it is sent goes."""

import asyncio
from collections.abc import Callable
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from infra.local.realtime.frames import Broadcast, Frame, encode


class Socket:
    """Takes frames at once and sends them as fast as the client reads.

    One that leaves more than `most` of them unread is cut off: nobody else waits for it.
    """

    def __init__(self, websocket: WebSocket, version: int, most: int) -> None:
        self.version = version
        self._websocket = websocket
        self._waiting: asyncio.Queue[str | bytes] = asyncio.Queue(most)
        self._cut: Callable[[], None] = websocket.state.cut

    def put(self, frame: str | bytes) -> None:
        """Send it in its turn."""
        try:
            self._waiting.put_nowait(frame)
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
        """The same with a frame that is still to be encoded."""
        self.put(encode(Frame(topic, event, payload, ref, join_ref), self.version))

    def reply(self, to: Frame, status: str, response: dict[str, Any] | None = None) -> None:
        """Answer a frame of the client's."""
        said = {"status": status, "response": response or {}}
        self.send(to.topic, "phx_reply", said, ref=to.ref, join_ref=to.join_ref)

    def form_of(self, broadcast: Broadcast) -> str | bytes | None:
        """The frame in which this client understands it, if there is one."""
        return broadcast.first if self.version == 1 else broadcast.second

    async def write(self) -> None:
        """Send what is put, until the client has gone."""
        try:
            while True:
                frame = await self._waiting.get()
                if isinstance(frame, bytes):
                    await self._websocket.send_bytes(frame)
                else:
                    await self._websocket.send_text(frame)
        except WebSocketDisconnect:
            pass
