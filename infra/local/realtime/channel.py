"""A client's WebSocket, and its channels: subscriptions to topics with their authorization."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from infra.local.realtime.channel_presence import ChannelPresence
from infra.local.realtime.faults import Faults, FaultyDelivery
from infra.local.realtime.messages import TOPIC_PREFIX, Message, encode
from infra.local.realtime.tokens import Identity, RealtimeError, TokenExpired


class ClientSocket:
    """Queues frames and sends them as fast as the client reads."""

    def __init__(self, websocket: WebSocket, version: int) -> None:
        self.version = version
        self._websocket = websocket
        self._queue: asyncio.Queue[str | bytes] = asyncio.Queue()

    def put(self, frame: str | bytes) -> None:
        """Queue an encoded frame."""
        self._queue.put_nowait(frame)

    def send(self, message: Message) -> None:
        """Encode and queue a message."""
        self.put(encode(message, self.version))

    def reply(self, to: Message, status: str, response: dict[str, Any] | None = None) -> None:
        """Reply to a client's message (`phx_reply`)."""
        payload = {"status": status, "response": response or {}}
        self.send(Message(to.topic, "phx_reply", payload, to.ref, to.join_ref))

    async def write(self) -> None:
        """Send the queued frames until the client disconnects."""
        try:
            while True:
                frame = await self._queue.get()
                kind = "text" if isinstance(frame, str) else "bytes"
                await self._websocket.send({"type": "websocket.send", kind: frame})
        except WebSocketDisconnect:
            pass


@dataclass(frozen=True, slots=True)
class ChannelAuthorization:
    """The token that a channel was joined with, its bearer, and what the policies permit.

    None stands for a policy that hasn't been checked, because it wasn't needed yet.
    """

    token: str
    identity: Identity
    reads_broadcasts: bool
    reads_presence: bool | None
    writes_presence: bool | None


class Channel:
    """A subscription of one socket to one topic."""

    def __init__(
        self,
        socket: ClientSocket,
        join: Message,
        bearer: ChannelAuthorization,
        presence: ChannelPresence,
        faults: Faults,
        *,
        private: bool,
    ) -> None:
        self.socket = socket
        self.topic = join.topic
        self.name = join.topic.removeprefix(TOPIC_PREFIX)
        self.private = private
        self.bearer = bearer
        self.presence = presence
        self._join_ref = join.join_ref or join.ref
        self._delivery = FaultyDelivery(faults, socket.put)
        self._expiry: asyncio.TimerHandle | None = None

    @property
    def key(self) -> tuple[str, bool]:
        """Name and privacy: a public and a private topic of the same name are distinct."""
        return self.name, self.private

    def schedule_expiry(self, close: Callable[["Channel", RealtimeError], None]) -> None:
        """Call `close` when the bearer's token expires. Replaces the timer of an earlier token."""
        self._cancel_expiry()
        left_s = self.bearer.identity.remaining_s
        self._expiry = asyncio.get_running_loop().call_later(left_s, close, self, TokenExpired(0))

    def deliver(self, frame: str | bytes) -> None:
        """Send a broadcast to the client, subject to injected faults."""
        self._delivery.deliver(frame)

    def send_error(self, text: str) -> None:
        """Send a system message about an error of the channel."""
        payload = {"extension": "system", "status": "error", "message": text, "channel": self.name}
        self.socket.send(Message(self.topic, "system", payload))

    def send_close(self) -> None:
        """Tell the client that the channel is closed."""
        self.socket.send(Message(self.topic, "phx_close", {}, self._join_ref, self._join_ref))

    def end(self) -> None:
        """Cancel all timers."""
        self._cancel_expiry()
        self._delivery.end()

    def _cancel_expiry(self) -> None:
        if self._expiry:
            self._expiry.cancel()
            self._expiry = None
