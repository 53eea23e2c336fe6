"""How many audit entries are written at once, learned from how long that takes."""

_MOST_ENTRIES = 200
_MOST_BYTES = 1 << 20
_SMALLEST_SHARE = 1 / _MOST_ENTRIES

_QUICK_S = 0.5
_SLOW_S = 2.0
"""Well below the limit of a write (5 s), so that a slower moment doesn't fail at once."""


class BatchSize:
    """A share of 200 entries and 1 MiB: a quarter after a failure, half where it was slow, twice
    where it was quick."""

    def __init__(self) -> None:
        self._share = 1.0

    @property
    def entries(self) -> int:
        """The most entries in a batch, 1 or more."""
        return max(1, int(_MOST_ENTRIES * self._share))

    @property
    def most_bytes(self) -> int:
        """The most bytes in a batch; a single entry may be longer."""
        return max(1, int(_MOST_BYTES * self._share))

    def took(self, seconds: float, entries: int, entry_bytes: int) -> None:
        """A batch of that size was written within `seconds`."""
        share = _share_of(entries, entry_bytes)
        if seconds > _SLOW_S:
            self._share = max(_SMALLEST_SHARE, min(self._share, share) / 2)
        elif seconds < _QUICK_S and share > self._share / 2:
            self._share = min(1.0, self._share * 2)

    def failed(self, entries: int, entry_bytes: int) -> None:
        """A batch of that size wasn't written, though the database took writes."""
        share = min(self._share, _share_of(entries, entry_bytes))
        self._share = max(_SMALLEST_SHARE, share / 4)


def _share_of(entries: int, entry_bytes: int) -> float:
    return max(entries / _MOST_ENTRIES, entry_bytes / _MOST_BYTES)
