"""Size of audit batches, adapted to the time that writing them takes."""

_MAX_ENTRIES = 200
_MAX_BYTES = 1 << 20
_MIN_SHARE = 1 / _MAX_ENTRIES

_FAST_S = 0.5
_SLOW_S = 2.0
"""Well below the timeout of a write (5 s), so that a batch may take longer without failing."""


class AdaptiveBatchSize:
    """A share of 200 entries and 1 MiB: divided by 4 after a failure, by 2 after a slow write,
    doubled after a fast one."""

    def __init__(self) -> None:
        self._share = 1.0

    @property
    def entries(self) -> int:
        """The maximum number of entries in a batch, at least 1."""
        return max(1, int(_MAX_ENTRIES * self._share))

    @property
    def most_bytes(self) -> int:
        """The maximum bytes in a batch; a single entry may be longer."""
        return max(1, int(_MAX_BYTES * self._share))

    def took(self, seconds: float, entries: int, entry_bytes: int) -> None:
        """Adapt to a batch of this size that was written within `seconds`."""
        share = _share_of(entries, entry_bytes)
        if seconds > _SLOW_S:
            self._share = max(_MIN_SHARE, min(self._share, share) / 2)
        elif seconds < _FAST_S and share > self._share / 2:
            self._share = min(1.0, self._share * 2)

    def failed(self, entries: int, entry_bytes: int) -> None:
        """Adapt to a batch of this size that failed although the database accepts writes."""
        share = min(self._share, _share_of(entries, entry_bytes))
        self._share = max(_MIN_SHARE, share / 4)


def _share_of(entries: int, entry_bytes: int) -> float:
    return max(entries / _MAX_ENTRIES, entry_bytes / _MAX_BYTES)
