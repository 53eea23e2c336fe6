"""Pushes that this instance rendered with the whole state, for its own clients."""

from collections import OrderedDict
from collections.abc import Callable, Sequence

from shared.application.ports.push_message import PushMessage

_MOST = 8
"""Messages, of about 350 kB with 1 000 participants. Each is kept only until Redis has delivered
it, so there are hardly ever more than two."""


class RenderedPushes:
    """Messages with whole states, kept from their commit until Redis delivers their differences.

    So the instance that makes a change doesn't read it again for its own clients. Only messages of
    sessions that `wants` accepts are kept, at most eight in all.
    """

    def __init__(self) -> None:
        self.wants: Callable[[str], bool] = lambda _: False
        """Whether a client of this instance needs the whole states of the session of that name."""
        self._kept: OrderedDict[tuple[str, bytes], PushMessage] = OrderedDict()
        """By name and published form: that form names no tenant."""

    def keep(self, name: str, pushes: Sequence[PushMessage]) -> None:
        """Keep those of `pushes` that are published without their state, if they are wanted."""
        reduced = [push for push in pushes if push.is_reduced]
        if not reduced or not self.wants(name):
            return
        for push in reduced:
            self._kept[name, push.published] = push
        while len(self._kept) > _MOST:
            self._kept.popitem(last=False)

    def discard(self, name: str, pushes: Sequence[PushMessage]) -> None:
        """Forget `pushes` of the session of that name, because their commit was refused."""
        for push in pushes:
            self._kept.pop((name, push.published), None)

    def take(self, name: str, published: bytes) -> bytes | None:
        """Return the whole form of a message that was `published` for the session of that name, and
        forget it; None if it isn't kept."""
        kept = self._kept.pop((name, published), None)
        return kept.whole if kept else None
