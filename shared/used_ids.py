"""The ids of sessions that the audit trail holds, known to an instance without asking the trail."""

import time
from collections.abc import Mapping
from hashlib import blake2b

from shared.audit.ports import AuditLog
from shared.domain.units import HOUR
from shared.errors import AuditUnavailable, StoreUnavailable
from shared.ports import Epoch, Memory, SessionStore

_BITS = 2**23
"""1 MiB. Of a million ids two in a hundred that were never used are taken for used ones."""

_HASHES = 4
_PAGE = 1_000
_PAGES_AT_ONCE = 20

_TRUSTED_FOR_S = 12 * 3600
_RENEWED_AFTER_S = 6 * 3600
_LONGEST_LAG = 6 * HOUR
"""Redis remembers every id for 24 h after its last change (`retention`, in `timekeeping.py`). A
session whose audit entry was not in the trail when reading began is at most 6 h old then, so Redis
knows it for 18 h more: for longer than the ids are trusted."""


class UsedIds:
    """A filter of all names of sessions in the audit trail.

    An id that it doesn't have, and that Redis doesn't know, was never used. That holds as long as
    Redis has lost nothing since the reading of the trail began, which two things tell: the epoch,
    a marker that is lost with all other data of a shard, and the connection, which breaks when
    another server takes over. Otherwise the trail has to be asked.
    """

    def __init__(self, store: SessionStore, memory: Memory, audit: AuditLog) -> None:
        self._store = store
        self._memory = memory
        self._audit = audit
        self._filter: _Filter | None = None
        self._reading: _Filter | None = None
        self._is_outdated = False

    def exclude(self, name: str, epoch: Epoch | None) -> bool:
        """Whether the trail certainly doesn't hold a session of that name.

        `epoch` is that of its shard, read together with the session, which the store didn't know.
        """
        known = self._filter
        if known is None or time.monotonic() - known.began_at > _TRUSTED_FOR_S:
            return False
        if epoch is None:  # it gets one when the shard was brought back
            return False
        if known.epochs.get(self._memory.shard_of(name)) != epoch:
            self._is_outdated = True
            return False
        return name not in known

    async def advance(self) -> None:
        """Read some more of the trail where that is due. To be called about once a second.

        It reads at most 20 000 names at once. Where the trail or the store can't be asked it begins
        anew next time.
        """
        try:
            if self._reading is None and self._is_due():
                self._reading = await self._begun()
            if self._reading:
                await self._read(self._reading)
        except (AuditUnavailable, StoreUnavailable):
            self._reading = None

    def _is_due(self) -> bool:
        if self._filter is None or self._is_outdated:
            return True
        return time.monotonic() - self._filter.began_at > _RENEWED_AFTER_S

    async def _begun(self) -> "_Filter | None":
        """An empty filter; None where what Redis loses from now on would not be noticed."""
        began_at = time.monotonic()
        epochs = await self._memory.epochs()
        if not epochs or (await self._store.census()).outbox_age_ms > _LONGEST_LAG:
            return None
        self._is_outdated = False
        return _Filter(began_at, epochs)

    async def _read(self, reading: "_Filter") -> None:
        for _ in range(_PAGES_AT_ONCE):
            names = await self._audit.names(reading.last, _PAGE)
            if not names:
                self._filter, self._reading = reading, None
                return
            reading.add(names)


class _Filter:
    """A Bloom filter of names: it has all names that were added, and a few others."""

    def __init__(self, began_at: float, epochs: Mapping[str, Epoch]) -> None:
        self.began_at = began_at
        self.epochs = epochs
        self.last: str | None = None
        """The name that was added last."""
        self._bits = bytearray(_BITS // 8)

    def add(self, names: list[str]) -> None:
        """Add `names`, of which there is at least one."""
        bits = self._bits
        for name in names:
            for place in _places(name):
                bits[place >> 3] |= 1 << (place & 7)
        self.last = names[-1]

    def __contains__(self, name: str) -> bool:
        return all(self._bits[place >> 3] & 1 << (place & 7) for place in _places(name))


def _places(name: str) -> list[int]:
    """The bits of a name."""
    digest = blake2b(name.encode(), digest_size=4 * _HASHES).digest()
    return [int.from_bytes(digest[i : i + 4]) % _BITS for i in range(0, 4 * _HASHES, 4)]
