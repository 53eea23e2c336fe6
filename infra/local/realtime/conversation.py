"""What one client says through its socket, and what follows from it."""

import asyncio
from collections.abc import Awaitable, Callable

from starlette.websockets import WebSocket

from infra.local.realtime import speaking
from infra.local.realtime.admission import admit, require_room, token_of
from infra.local.realtime.channel import Channel, JoinConfig
from infra.local.realtime.frames import TOPIC_PREFIX, Frame, NotAFrame, decode
from infra.local.realtime.project import Project
from infra.local.realtime.refusals import Refused
from infra.local.realtime.socket import Socket

_PHOENIX = "phoenix"
_INTERNAL_ERROR = 1011
_UNMATCHED = {"reason": "unmatched topic"}


class Conversation:
    """The channels of one socket; `key` is what its handshake was made with."""

    def __init__(self, project: Project, socket: Socket, key: str) -> None:
        self._project = project
        self._socket = socket
        self._key = key
        self._channels: dict[str, Channel] = {}
        self._deeds: dict[str, Callable[[Channel, Frame], Awaitable[None]]] = {
            "access_token": self._renew,
            "broadcast": self._broadcast,
            "phx_leave": self._leave,
            "presence": self._presence,
        }

    async def run(self, websocket: WebSocket) -> None:
        """Deal with what comes, in order, until the client goes."""
        try:
            while (message := await websocket.receive())["type"] == "websocket.receive":
                data = message.get("text")
                said = message["bytes"] if data is None else data
                await self._hear(decode(said, self._socket.version))
        except NotAFrame:
            await websocket.close(_INTERNAL_ERROR)  # nobody there would catch it either
        finally:
            for channel in self._channels.values():
                self._forget(channel)

    async def _hear(self, frame: Frame) -> None:
        channel = self._channels.get(frame.topic)
        if frame.topic == _PHOENIX:
            self._socket.reply(frame, "ok")
        elif frame.event == "phx_join":
            await self._join(frame)
        elif channel and (deed := self._deeds.get(frame.event)):
            await deed(channel, frame)
        elif channel is None and frame.event == "phx_leave":
            self._socket.reply(frame, "ok")
        elif channel is None:
            self._socket.reply(frame, "error", _UNMATCHED)

    async def _join(self, frame: Frame) -> None:
        if before := self._channels.get(frame.topic):
            self._close(before)
        name = frame.topic.removeprefix(TOPIC_PREFIX)
        if name in ("", frame.topic):
            self._socket.reply(frame, "error", _UNMATCHED)
            return
        config = JoinConfig.of(frame.payload)
        token = token_of(frame.payload) or self._key
        try:
            require_room(self._project, len(self._channels))
            bearer = await admit(self._project, token, name, private=config.private)
        except Refused as refusal:
            self._refuse(frame, refusal)
            return
        self._welcome(frame, Channel(self._socket, frame, config, bearer, self._project.mischief))

    def _refuse(self, frame: Frame, refusal: Refused) -> None:
        answer = {"reason": str(refusal)}
        wait_s = self._project.options.error_backoff_s
        loop = asyncio.get_running_loop()
        loop.call_later(wait_s, self._socket.reply, frame, "error", answer)

    def _welcome(self, frame: Frame, channel: Channel) -> None:
        self._channels[channel.topic] = channel
        self._project.topics.add(channel)
        channel.watch_expiry(self._close)
        self._socket.reply(frame, "ok", {"postgres_changes": []})
        if channel.follows_presence:
            self._project.topics.show_presence(channel)

    async def _leave(self, channel: Channel, frame: Frame) -> None:
        self._socket.reply(frame, "ok")
        self._close(channel)

    async def _renew(self, channel: Channel, frame: Frame) -> None:
        """Go on with another token, or not at all; the same one and API keys change nothing."""
        token = token_of(frame.payload)
        if token is None or token == channel.bearer.token:
            return
        private = channel.config.private
        try:
            channel.bearer = await admit(self._project, token, channel.name, private=private)
        except Refused as refusal:
            self._close(channel, refusal)
        else:
            channel.watch_expiry(self._close)

    async def _broadcast(self, channel: Channel, frame: Frame) -> None:
        if self._project.messages.is_used_up:
            self._close(channel, Refused("", "Too many messages per second"))
        else:
            await speaking.broadcast(self._project, channel, frame)

    async def _presence(self, channel: Channel, frame: Frame) -> None:
        await speaking.presence(self._project, channel, frame)

    def _close(self, channel: Channel, refusal: Refused | None = None) -> None:
        self._channels.pop(channel.topic, None)
        self._forget(channel)
        if refusal:
            channel.tell_system("error", refusal.reason)
        channel.say_closed()

    def _forget(self, channel: Channel) -> None:
        channel.end()
        self._project.topics.remove(channel)
