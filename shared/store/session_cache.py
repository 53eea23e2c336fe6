"""Cache of recently loaded or committed sessions, which saves decoding the same state again."""

from collections import OrderedDict

from shared.application.ports.commit import StoredSession
from shared.application.session_parts import is_divided
from shared.store.session_fields import Fields, decode_fields, size_of

_MOST_BYTES = 512 * 1024
"""Of encoded states. The decoded sessions take about five times as much memory."""


class SessionCache:
    """LRU cache of the latest known revision of each session, at most 512 KiB of encoded states.

    It never replaces a load: the newest revision always comes from Redis. A revision identifies one
    write, so a cached session with the same revision is identical.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[StoredSession, int]] = OrderedDict()
        self._bytes = 0

    def known(self, name: str, fields: Fields) -> StoredSession | None:
        """Return the session if it is cached at the revision in `fields`, else None.

        The participants of a divided session may be missing in `fields`.
        """
        known, operations = self._kept.get(name), fields.get(b"operations")
        if known is None or operations is None or b"state" not in fields:
            return None
        if not operations.startswith(known[0].revision.encode()):
            return None
        self._kept.move_to_end(name)
        return known[0]

    def decoded(self, name: str, fields: Fields) -> StoredSession | None:
        """Return the session that has these fields in the store, decoded unless it is `known`.

        None if it is deleted or doesn't exist.
        """
        if known := self.known(name, fields):
            return known
        stored = decode_fields(fields)
        if stored:
            self.keep(name, stored, size_of(fields))
        return stored

    def has_in_parts(self, name: str) -> bool:
        """Whether any revision of the session is cached that is stored in parts."""
        known = self._kept.get(name)
        return known is not None and is_divided(known[0].session)

    def keep(self, name: str, stored: StoredSession, size: int) -> None:
        """Cache `stored`, whose encoded state has `size` bytes."""
        self.drop(name)
        if size > _MOST_BYTES:
            return
        self._kept[name] = (stored, size)
        self._bytes += size
        while self._bytes > _MOST_BYTES:
            _, (_, dropped) = self._kept.popitem(last=False)
            self._bytes -= dropped

    def drop(self, name: str) -> None:
        """Remove the session from the cache."""
        if known := self._kept.pop(name, None):
            self._bytes -= known[1]
