"""Who is shown on each topic: Realtime's Presence, a Phoenix Presence of one node."""

from collections.abc import Iterable
from itertools import count
from typing import Any

from infra.local.realtime.channel import Channel
from infra.local.realtime.message_rate import MessageRate
from infra.local.realtime.messages import Message

_Shown = dict[Channel, dict[str, Any]]

State = dict[str, dict[str, list[dict[str, Any]]]]
"""By presence key: `{"metas": [...]}`, an entry for each channel with that key."""


class Presences:
    """The presence of all topics of a project. Each channel is shown at most once."""

    def __init__(self, rate: MessageRate) -> None:
        self._rate = rate
        self._refs = map(str, count(1))
        self._shown: dict[tuple[str, bool], _Shown] = {}

    def may_send(self) -> bool:
        """Count a message; return False if the project's limit is exceeded."""
        if self._rate.average > self._rate.limit:
            return False
        self._rate.add(1)
        return True

    def state(self, channel: Channel) -> State:
        """Return who is shown on the channel's topic."""
        return _grouped(self._shown.get(channel.key, {}))

    def track(
        self, channel: Channel, payload: dict[str, Any], subscribers: Iterable[Channel]
    ) -> None:
        """Show a channel with `payload`, or change its payload, and tell the subscribers."""
        shown = self._shown.setdefault(channel.key, {})
        old = shown.get(channel)
        meta = payload | {"phx_ref": next(self._refs)}
        if old:
            meta["phx_ref_prev"] = old["phx_ref"]
        shown[channel] = meta
        self._tell(subscribers, {channel: meta}, {channel: old} if old else {})

    def untrack(self, channel: Channel, subscribers: Iterable[Channel]) -> None:
        """Stop showing a channel, if it is shown, and tell the subscribers."""
        shown = self._shown.get(channel.key, {})
        if old := shown.pop(channel, None):
            self._tell(subscribers, {}, {channel: old})
        if not shown:
            self._shown.pop(channel.key, None)

    def _tell(self, subscribers: Iterable[Channel], joins: _Shown, leaves: _Shown) -> None:
        diff = {"joins": _grouped(joins), "leaves": _grouped(leaves)}
        for channel in subscribers:
            if channel.bearer.reads_presence:
                self._rate.add(1)
                channel.socket.send(Message(channel.topic, "presence_diff", diff))


def _grouped(shown: _Shown) -> State:
    grouped: State = {}
    for channel, meta in shown.items():
        grouped.setdefault(channel.presence.key, {"metas": []})["metas"].append(meta)
    return grouped
