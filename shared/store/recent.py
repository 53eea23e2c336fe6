"""Sessions that were loaded or committed lately, so that the same state isn't decoded again."""

from collections import OrderedDict

from shared.ports import Stored
from shared.store.codec import decode_stored

_MOST_BYTES = 512 * 1024
"""Of encoded states. The sessions themselves take some five times as much."""


class RecentSessions:
    """The latest known write of each session, at most 512 KiB of states, oldest use dropped first.

    It never replaces a load: what Redis answers says which write is the newest. A revision names
    one write for good, so a session of the same revision is the same session.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[Stored, int]] = OrderedDict()
        self._bytes = 0

    def decoded(self, name: str, operations: bytes | None, state: bytes | None) -> Stored | None:
        """The session of that `state`, whose revision is the first of its `operations`.

        None where one of the two is missing: there is no such session any more, or none yet.
        """
        if state and self.knows(name, operations):
            self._kept.move_to_end(name)
            return self._kept[name][0]
        stored = decode_stored(operations, state)
        if stored and state:
            self.keep(name, stored, len(state))
        return stored

    def knows(self, name: str, operations: bytes | None) -> bool:
        """Whether `decoded` has nothing to decode."""
        known = self._kept.get(name)
        return bool(known and operations and operations.startswith(known[0].revision.encode()))

    def keep(self, name: str, stored: Stored, size: int) -> None:
        """Keep the session that was `stored`, whose state has `size` bytes."""
        self.drop(name)
        if size > _MOST_BYTES:
            return
        self._kept[name] = (stored, size)
        self._bytes += size
        while self._bytes > _MOST_BYTES:
            _, (_, dropped) = self._kept.popitem(last=False)
            self._bytes -= dropped

    def drop(self, name: str) -> None:
        """Forget the session of that name."""
        if known := self._kept.pop(name, None):
            self._bytes -= known[1]
