"""Handle the messages of one client's WebSocket (Phoenix channels)."""

import asyncio
from collections.abc import Awaitable, Callable

from starlette.websockets import WebSocket

from infra.local.realtime import client_messages
from infra.local.realtime.authorization import access_token_in, authorize_join, check_limits
from infra.local.realtime.channel import Channel, JoinConfig
from infra.local.realtime.client_socket import ClientSocket
from infra.local.realtime.errors import RealtimeError
from infra.local.realtime.messages import TOPIC_PREFIX, InvalidMessage, Message, decode
from infra.local.realtime.project import ProjectState

_PHOENIX = "phoenix"
_INTERNAL_ERROR = 1011
_UNMATCHED = {"reason": "unmatched topic"}


class SocketHandler:
    """The channels of one socket. `key` is the API key of its handshake."""

    def __init__(self, project: ProjectState, socket: ClientSocket, key: str) -> None:
        self._project = project
        self._socket = socket
        self._key = key
        self._channels: dict[str, Channel] = {}
        self._handlers: dict[str, Callable[[Channel, Message], Awaitable[None]]] = {
            "access_token": self._renew_token,
            "broadcast": self._broadcast,
            "phx_leave": self._leave,
            "presence": self._presence,
        }

    async def run(self, websocket: WebSocket) -> None:
        """Handle the client's messages in order until it disconnects."""
        try:
            while (message := await websocket.receive())["type"] == "websocket.receive":
                text = message.get("text")
                data = message["bytes"] if text is None else text
                await self._handle(decode(data, self._socket.version))
        except InvalidMessage:
            await websocket.close(_INTERNAL_ERROR)  # the real server doesn't catch it either
        finally:
            for channel in self._channels.values():
                self._remove(channel)

    async def _handle(self, frame: Message) -> None:
        channel = self._channels.get(frame.topic)
        if frame.topic == _PHOENIX:
            self._socket.reply(frame, "ok")
        elif frame.event == "phx_join":
            await self._join(frame)
        elif channel and (handler := self._handlers.get(frame.event)):
            await handler(channel, frame)
        elif channel is None and frame.event == "phx_leave":
            self._socket.reply(frame, "ok")
        elif channel is None:
            self._socket.reply(frame, "error", _UNMATCHED)

    async def _join(self, frame: Message) -> None:
        if previous := self._channels.get(frame.topic):
            self._close(previous)
        name = frame.topic.removeprefix(TOPIC_PREFIX)
        if name in ("", frame.topic):
            self._socket.reply(frame, "error", _UNMATCHED)
            return
        config = JoinConfig.of(frame.payload)
        token = access_token_in(frame.payload) or self._key
        try:
            check_limits(self._project, len(self._channels))
            bearer = await authorize_join(self._project, token, name, private=config.private)
        except RealtimeError as refusal:
            self._reject_join(frame, refusal)
            return
        channel = Channel(self._socket, frame, config, bearer, self._project.mischief)
        self._accept_join(frame, channel)

    def _reject_join(self, frame: Message, refusal: RealtimeError) -> None:
        response = {"reason": str(refusal)}
        wait_s = self._project.options.rejection_delay_s
        loop = asyncio.get_running_loop()
        loop.call_later(wait_s, self._socket.reply, frame, "error", response)

    def _accept_join(self, frame: Message, channel: Channel) -> None:
        self._channels[channel.topic] = channel
        self._project.topics.add(channel)
        channel.schedule_expiry(self._close)
        self._socket.reply(frame, "ok", {"postgres_changes": []})
        if channel.presence_enabled:
            self._project.topics.show_presence(channel)

    async def _leave(self, channel: Channel, frame: Message) -> None:
        self._socket.reply(frame, "ok")
        self._close(channel)

    async def _renew_token(self, channel: Channel, frame: Message) -> None:
        """Authorize the channel with a new token, or close it. API keys change nothing."""
        token = access_token_in(frame.payload)
        if token is None or token == channel.bearer.token:
            return
        private = channel.config.private
        try:
            channel.bearer = await authorize_join(
                self._project, token, channel.name, private=private
            )
        except RealtimeError as refusal:
            self._close(channel, refusal)
        else:
            channel.schedule_expiry(self._close)

    async def _broadcast(self, channel: Channel, frame: Message) -> None:
        if self._project.messages.is_exhausted:
            self._close(channel, RealtimeError("", "Too many messages per second"))
        else:
            await client_messages.handle_broadcast(self._project, channel, frame)

    async def _presence(self, channel: Channel, frame: Message) -> None:
        await client_messages.handle_presence(self._project, channel, frame)

    def _close(self, channel: Channel, refusal: RealtimeError | None = None) -> None:
        self._channels.pop(channel.topic, None)
        self._remove(channel)
        if refusal:
            channel.send_system("error", refusal.reason)
        channel.send_close()

    def _remove(self, channel: Channel) -> None:
        channel.end()
        self._project.topics.remove(channel)
