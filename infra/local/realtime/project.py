"""The state that all clients of a project share."""

from dataclasses import dataclass, field
from typing import Any

from infra.local.realtime.broadcast_bodies import Broadcast
from infra.local.realtime.channel import Channel, ChannelAuthorization
from infra.local.realtime.faults import Faults
from infra.local.realtime.message_rate import MessageRate
from infra.local.realtime.messages import TOPIC_PREFIX, Message, encode, encode_single
from infra.local.realtime.policies import Policies
from infra.local.realtime.presence import Presences
from infra.local.realtime.tokens import RealtimeError, TokenVerifier


@dataclass(frozen=True, slots=True)
class Project:
    """One project's Realtime, from start to stop."""

    tokens: TokenVerifier
    policies: Policies
    faults: Faults
    rate: MessageRate
    presences: Presences
    _channels: dict[tuple[str, bool], dict[Channel, None]] = field(default_factory=dict)

    async def authorize(
        self, token: str, name: str, *, private: bool, with_presence: bool
    ) -> ChannelAuthorization:
        """Authorize the bearer of `token` to join the topic `name`.

        The right to read its broadcasts is enough, and with `with_presence` that to read its
        presence. Raises `RealtimeError`.
        """
        identity = self.tokens.identify(token)
        if not private:
            return ChannelAuthorization(token, identity, True, True, True)
        reads_broadcasts = await self.policies.may_read(identity, name, "broadcast")
        reads_presence = (
            await self.policies.may_read(identity, name, "presence") if with_presence else None
        )
        if not (reads_broadcasts or reads_presence):
            reason = f"You do not have permissions to read from this Channel topic: {name}"
            raise RealtimeError("Unauthorized", reason)
        return ChannelAuthorization(token, identity, reads_broadcasts, reads_presence, None)

    def add(self, channel: Channel) -> None:
        """Subscribe a channel to its topic."""
        self._channels.setdefault(channel.key, {})[channel] = None

    def remove(self, channel: Channel) -> None:
        """Unsubscribe a channel, and show it no longer."""
        subscribers = self._channels.get(channel.key, {})
        subscribers.pop(channel, None)
        if not subscribers:
            self._channels.pop(channel.key, None)
        self.untrack(channel)

    def track(self, channel: Channel, payload: dict[str, Any]) -> None:
        """Show a channel in the presence of its topic, or change its payload."""
        channel.presence.payload = payload
        self.presences.track(channel, payload, self._subscribers(channel.key))

    def untrack(self, channel: Channel) -> None:
        """Show a channel no longer."""
        channel.presence.payload = None
        self.presences.untrack(channel, self._subscribers(channel.key))

    def publish(self, message: Broadcast, *, is_single: bool = False) -> None:
        """Send a broadcast to all subscribers of a topic. Doesn't block: sockets queue it.

        A single message reaches clients of version 2 as a binary frame.
        """
        topic = TOPIC_PREFIX + message.topic
        content = {"type": "broadcast", "event": message.event, "payload": message.payload}
        frame = Message(topic, "broadcast", content)
        frames: dict[int, str | bytes] = {version: encode(frame, version) for version in (1, 2)}
        if is_single:
            frames[2] = encode_single(topic, message.event, message.payload)
        subscribers = [
            channel
            for channel in self._subscribers((message.topic, message.private))
            if channel.bearer.reads_broadcasts
        ]
        self.rate.add(1 + len(subscribers))
        for channel in subscribers:
            channel.deliver(frames[channel.socket.version])

    def _subscribers(self, key: tuple[str, bool]) -> list[Channel]:
        return list(self._channels.get(key, ()))
