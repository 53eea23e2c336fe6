"""Handle the messages of one client's WebSocket (Phoenix channels)."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from starlette.websockets import WebSocket

from infra.local.realtime.channel import Channel, ChannelAuthorization, ClientSocket
from infra.local.realtime.channel_presence import ChannelPresence
from infra.local.realtime.messages import TOPIC_PREFIX, InvalidMessage, Message, decode
from infra.local.realtime.presence_messages import change_presence, send_state
from infra.local.realtime.project import Project
from infra.local.realtime.tokens import API_KEY_PREFIX, RealtimeError

_PHOENIX = "phoenix"
_UNMATCHED = "unmatched topic"
_UNNAMED = "TopicNameRequired: You must provide a topic name"
_NO_CONFIG = "UnknownErrorOnChannel: Unknown Error on Channel"
_SIGNATURE_ERROR = ":signature_error"


class SocketHandler:
    """The channels of one socket. `key` is the API key of its handshake."""

    def __init__(self, project: Project, socket: ClientSocket, key: str) -> None:
        self._project = project
        self._socket = socket
        self._key = key
        self._channels: dict[str, Channel] = {}
        self._handlers: dict[str, Callable[[Channel, Message], Awaitable[None]]] = {
            "access_token": self._renew_token,
            "presence": self._change_presence,
            "phx_leave": self._leave,
        }

    async def run(self, websocket: WebSocket) -> None:
        """Handle the client's messages in order until it disconnects."""
        try:
            while (message := await websocket.receive())["type"] == "websocket.receive":
                with suppress(InvalidMessage):
                    await self._handle(decode(message.get("text") or "", self._socket.version))
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
            self._refuse(frame, _UNMATCHED)

    async def _join(self, frame: Message) -> None:
        previous = self._channels.pop(frame.topic, None)
        if previous:
            self._remove(previous)
        if fault := _fault_of_join(frame):
            self._refuse(frame, fault)
        else:
            await self._authorize(frame, frame.topic.removeprefix(TOPIC_PREFIX))
        if previous:
            previous.send_close()

    async def _authorize(self, frame: Message, name: str) -> None:
        private = _is_private(frame.payload)
        token = _access_token(frame.payload) or self._key
        presence = ChannelPresence.of(frame.payload)
        try:
            bearer = await self._project.authorize(
                token, name, private=private, with_presence=presence.is_enabled
            )
        except RealtimeError as refusal:
            self._refuse(frame, str(refusal))
            return
        faults = self._project.faults
        channel = Channel(self._socket, frame, bearer, presence, faults, private=private)
        self._channels[channel.topic] = channel
        self._project.add(channel)
        channel.schedule_expiry(self._close)
        self._socket.reply(frame, "ok", {"postgres_changes": []})
        try:
            send_state(self._project, channel)
        except RealtimeError as limit:
            self._close(channel, limit)

    async def _change_presence(self, channel: Channel, frame: Message) -> None:
        try:
            await change_presence(self._project, channel, frame)
        except RealtimeError as refusal:
            self._close(channel, refusal)

    async def _leave(self, channel: Channel, frame: Message) -> None:
        self._socket.reply(frame, "ok")
        self._close(channel)

    async def _renew_token(self, channel: Channel, frame: Message) -> None:
        """Authorize the channel with a new token, or close it. API keys change nothing."""
        token = _access_token(frame.payload)
        if token is None or token == channel.bearer.token:
            return
        try:
            bearer = await self._project.authorize(
                token,
                channel.name,
                private=channel.private,
                with_presence=channel.presence.is_enabled,
            )
            _require_same_rights(channel, bearer)
        except RealtimeError as refusal:
            self._close(channel, refusal)
        else:
            channel.bearer = bearer
            channel.schedule_expiry(self._close)

    def _close(self, channel: Channel, refusal: RealtimeError | None = None) -> None:
        self._channels.pop(channel.topic, None)
        self._remove(channel)
        if refusal:
            is_forged = refusal.code == "JwtSignatureError"
            channel.send_error(_SIGNATURE_ERROR if is_forged else refusal.reason)
        channel.send_close()

    def _refuse(self, frame: Message, reason: str) -> None:
        self._socket.reply(frame, "error", {"reason": reason})

    def _remove(self, channel: Channel) -> None:
        channel.end()
        self._project.remove(channel)


def _require_same_rights(channel: Channel, now: ChannelAuthorization) -> None:
    """Raise `RealtimeError` if a new token lacks a right to read that the channel's token has."""
    before = channel.bearer
    lost_broadcasts = before.reads_broadcasts and not now.reads_broadcasts
    if lost_broadcasts or (before.reads_presence and now.reads_presence is False):
        reason = f"You no longer have permission to read from this Channel topic: {channel.name}"
        raise RealtimeError("Unauthorized", reason)


def _access_token(payload: Any) -> str | None:
    """Return the payload's `access_token`, or `None` if it is missing or an API key."""
    token = payload.get("access_token") if isinstance(payload, dict) else None
    return token if isinstance(token, str) and not token.startswith(API_KEY_PREFIX) else None


def _fault_of_join(frame: Message) -> str | None:
    if not frame.topic.startswith(TOPIC_PREFIX):
        return _UNMATCHED
    if frame.topic == TOPIC_PREFIX:
        return _UNNAMED
    config = frame.payload.get("config", {}) if isinstance(frame.payload, dict) else None
    return None if isinstance(config, dict) else _NO_CONFIG


def _is_private(payload: Any) -> bool:
    config = payload.get("config") if isinstance(payload, dict) else None
    return isinstance(config, dict) and config.get("private") is True
