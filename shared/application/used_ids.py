"""A local filter of the session ids in the audit trail, so that most creations needn't read it."""

import time
from collections.abc import Mapping
from hashlib import blake2b

from shared.application.errors import AuditUnavailable, StoreUnavailable
from shared.application.ports.audit_log import AuditLog
from shared.application.ports.data_loss import DataLossDetector, Epoch
from shared.application.ports.session_store import SessionStore
from shared.domain.units import HOUR

_BITS = 2**23
"""1 MiB. With a million used ids, 2 % of the unused ids are taken for used ones."""

_HASHES = 4
_PAGE = 1_000
_PAGES_AT_ONCE = 20

_MAX_AGE_S = 12 * 3600
_RENEW_AFTER_S = 6 * 3600
_MAX_LAG = 6 * HOUR
"""Redis keeps every id for at least 24 h after its last change (`retention` in `timekeeping.py`).
A session whose audit entry isn't in the trail when reading begins is at most 6 h old, so Redis
keeps its id for 18 h more, which is longer than the filter is used."""


class UsedIds:
    """A filter of all session names in the audit trail.

    An id that is neither in the filter nor in Redis was never used, as long as Redis has lost no
    data since the reading of the trail began. The epoch tells that: its marker is lost with the
    data of a shard, and its connection breaks when another server takes over. If the epoch has
    changed, the trail must be read.
    """

    def __init__(self, store: SessionStore, memory: DataLossDetector, audit: AuditLog) -> None:
        self._store = store
        self._memory = memory
        self._audit = audit
        self._filter: _BloomFilter | None = None
        self._reading: _BloomFilter | None = None
        self._is_outdated = False

    def exclude(self, name: str, epoch: Epoch | None) -> bool:
        """Whether the trail certainly has no session of that name.

        `epoch` is that of its shard, read by the same load that didn't find the session.
        """
        known = self._filter
        if known is None or time.monotonic() - known.began_at > _MAX_AGE_S:
            return False
        if epoch is None:  # the recovery of the shard sets a new one
            return False
        if known.epochs.get(self._memory.shard_of(name)) != epoch:
            self._is_outdated = True
            return False
        return name not in known

    async def advance(self) -> None:
        """Read some more of the trail if that is due. Call it about once a second.

        Reads at most 20 000 names. If the trail or the store is unavailable, the next call starts
        the reading again.
        """
        try:
            if self._reading is None and self._is_due():
                self._reading = await self._new_filter()
            if self._reading:
                await self._read(self._reading)
        except (AuditUnavailable, StoreUnavailable):
            self._reading = None

    def _is_due(self) -> bool:
        if self._filter is None or self._is_outdated:
            return True
        return time.monotonic() - self._filter.began_at > _RENEW_AFTER_S

    async def _new_filter(self) -> "_BloomFilter | None":
        """An empty filter; None if a loss of data in Redis might not be noticed."""
        began_at = time.monotonic()
        epochs = await self._memory.epochs()
        if not epochs or (await self._store.statistics()).outbox_age_ms > _MAX_LAG:
            return None
        self._is_outdated = False
        return _BloomFilter(began_at, epochs)

    async def _read(self, reading: "_BloomFilter") -> None:
        for _ in range(_PAGES_AT_ONCE):
            names = await self._audit.names(reading.last, _PAGE)
            if not names:
                self._filter, self._reading = reading, None
                return
            reading.add(names)


class _BloomFilter:
    """A Bloom filter: it contains all added names, and falsely a few others."""

    def __init__(self, began_at: float, epochs: Mapping[str, Epoch]) -> None:
        self.began_at = began_at
        self.epochs = epochs
        self.last: str | None = None
        """The name that was added last."""
        self._bits = bytearray(_BITS // 8)

    def add(self, names: list[str]) -> None:
        """Add `names`, which must not be empty."""
        bits = self._bits
        for name in names:
            for position in _bit_positions(name):
                bits[position >> 3] |= 1 << (position & 7)
        self.last = names[-1]

    def __contains__(self, name: str) -> bool:
        return all(
            self._bits[position >> 3] & 1 << (position & 7) for position in _bit_positions(name)
        )


def _bit_positions(name: str) -> list[int]:
    digest = blake2b(name.encode(), digest_size=4 * _HASHES).digest()
    return [int.from_bytes(digest[i : i + 4]) % _BITS for i in range(0, 4 * _HASHES, 4)]
