"""The subscribers and the presence of each topic."""

from infra.local.realtime.channel import Channel
from infra.local.realtime.messages import Broadcast
from infra.local.realtime.presence import Presence, PresenceState


class TopicRegistry:
    """All topics of the project. No method blocks: sockets queue what they send."""

    def __init__(self) -> None:
        self._channels: dict[tuple[str, bool], dict[Channel, None]] = {}
        self._presence: dict[tuple[str, bool], Presence] = {}

    def add(self, channel: Channel) -> None:
        """Subscribe a channel to its topic."""
        self._channels.setdefault(channel.key, {})[channel] = None

    def remove(self, channel: Channel) -> None:
        """Unsubscribe a channel and untrack its presence."""
        subscribers = self._channels.get(channel.key, {})
        subscribers.pop(channel, None)
        if not subscribers:
            self._channels.pop(channel.key, None)
        self.untrack(channel)

    def publish(self, broadcast: Broadcast, besides: Channel | None = None) -> None:
        """Deliver a broadcast to all subscribers of its topic except `besides`."""
        for channel in list(self._channels.get((broadcast.name, broadcast.private), ())):
            if channel is not besides:
                channel.deliver(broadcast)

    def track(self, channel: Channel, state: dict[str, object]) -> None:
        """Set a channel's presence state and push the difference to the topic."""
        presence = self._presence.setdefault(channel.key, Presence())
        self._push_diff(channel.key, presence.track(channel, channel.config.presence_key, state))

    def untrack(self, channel: Channel) -> None:
        """Remove a channel's presence state, if it has one, and push the difference."""
        presence = self._presence.get(channel.key)
        if presence and (difference := presence.untrack(channel)):
            self._push_diff(channel.key, difference)
            if presence.is_empty:
                del self._presence[channel.key]

    def show_presence(self, channel: Channel) -> None:
        """Push the topic's presence state to a channel that has the right to read it."""
        if channel.bearer.may_read.presence:
            presence = self._presence.get(channel.key)
            channel.push("presence_state", presence.state() if presence else {})

    def _push_diff(self, key: tuple[str, bool], difference: dict[str, PresenceState]) -> None:
        for channel in list(self._channels.get(key, ())):
            if channel.presence_enabled and channel.bearer.may_read.presence:
                channel.push("presence_diff", difference)
