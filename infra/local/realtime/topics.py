"""Who is in which topic, and what they hear."""

from infra.local.realtime.channel import Channel
from infra.local.realtime.frames import Broadcast
from infra.local.realtime.presence import Listing, Presence


class Topics:
    """All topics of the project. Nothing here waits for anybody."""

    def __init__(self) -> None:
        self._channels: dict[tuple[str, bool], dict[Channel, None]] = {}
        self._presence: dict[tuple[str, bool], Presence] = {}

    def add(self, channel: Channel) -> None:
        """Let it hear what is said from now on."""
        self._channels.setdefault(channel.key, {})[channel] = None

    def remove(self, channel: Channel) -> None:
        """Let it hear no more, and others know if it was present."""
        present = self._channels.get(channel.key, {})
        present.pop(channel, None)
        if not present:
            self._channels.pop(channel.key, None)
        self.untrack(channel)

    def publish(self, broadcast: Broadcast, besides: Channel | None = None) -> None:
        """Tell everybody in the topic, but for `besides`."""
        for channel in list(self._channels.get((broadcast.name, broadcast.private), ())):
            if channel is not besides:
                channel.deliver(broadcast)

    def track(self, channel: Channel, state: dict[str, object]) -> None:
        """Let everybody know that it is present."""
        presence = self._presence.setdefault(channel.key, Presence())
        self._announce(channel.key, presence.track(channel, channel.config.presence_key, state))

    def untrack(self, channel: Channel) -> None:
        """Let everybody know that it is present no more, if it was."""
        presence = self._presence.get(channel.key)
        if presence and (difference := presence.untrack(channel)):
            self._announce(channel.key, difference)
            if presence.is_empty:
                del self._presence[channel.key]

    def show_presence(self, channel: Channel) -> None:
        """Tell one who is present, unless its policies keep that from it."""
        if channel.bearer.may_read.presence:
            presence = self._presence.get(channel.key)
            channel.push("presence_state", presence.state() if presence else {})

    def _announce(self, key: tuple[str, bool], difference: dict[str, Listing]) -> None:
        for channel in list(self._channels.get(key, ())):
            if channel.follows_presence and channel.bearer.may_read.presence:
                channel.push("presence_diff", difference)
