"""The state that all clients of a project share."""

from dataclasses import dataclass, field

from infra.local.realtime.broadcast_bodies import Broadcast
from infra.local.realtime.channel import Channel, ChannelAuthorization
from infra.local.realtime.faults import Faults
from infra.local.realtime.message_rate import MessageRate
from infra.local.realtime.messages import TOPIC_PREFIX, Message, encode, encode_single
from infra.local.realtime.policies import Policies
from infra.local.realtime.tokens import RealtimeError, TokenVerifier


@dataclass(frozen=True, slots=True)
class Project:
    """One project's Realtime, from start to stop."""

    tokens: TokenVerifier
    policies: Policies
    faults: Faults
    rate: MessageRate
    _channels: dict[tuple[str, bool], dict[Channel, None]] = field(default_factory=dict)

    async def authorize(self, token: str, name: str, *, private: bool) -> ChannelAuthorization:
        """Authorize the bearer of `token` to join the topic `name`. Raises `RealtimeError`."""
        identity = self.tokens.identify(token)
        if private and not await self.policies.may_read(identity, name):
            reason = f"You do not have permissions to read from this Channel topic: {name}"
            raise RealtimeError("Unauthorized", reason)
        return ChannelAuthorization(token, identity)

    def add(self, channel: Channel) -> None:
        """Subscribe a channel to its topic."""
        self._channels.setdefault(channel.key, {})[channel] = None

    def remove(self, channel: Channel) -> None:
        """Unsubscribe a channel."""
        subscribers = self._channels.get(channel.key, {})
        subscribers.pop(channel, None)
        if not subscribers:
            self._channels.pop(channel.key, None)

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
        subscribers = list(self._channels.get((message.topic, message.private), ()))
        self.rate.add(1 + len(subscribers))
        for channel in subscribers:
            channel.deliver(frames[channel.socket.version])
