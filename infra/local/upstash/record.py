"""What an endpoint was asked, for tests that count."""

from collections import deque
from collections.abc import Iterator, Sequence
from threading import Lock
from typing import NamedTuple

_CAPACITY = 2_000


class Asked(NamedTuple):
    """One HTTP request: its path, and the commands in it (none where it couldn't be read)."""

    path: str
    commands: tuple[tuple[str, ...], ...]


class Record:
    """The latest requests, oldest first; safe to read and clear from any thread.

    It keeps the latest 2000, and so does its length: clear it before what is to be counted.
    """

    def __init__(self) -> None:
        self._latest: deque[Asked] = deque(maxlen=_CAPACITY)
        self._lock = Lock()

    def add(self, path: str, commands: Sequence[Sequence[bytes]] = ()) -> None:
        """Note a request."""
        readable = tuple(tuple(part.decode(errors="replace") for part in c) for c in commands)
        with self._lock:
            self._latest.append(Asked(path, readable))

    def clear(self) -> None:
        """Forget them."""
        with self._lock:
            self._latest.clear()

    def __iter__(self) -> Iterator[Asked]:
        with self._lock:
            return iter(list(self._latest))

    def __len__(self) -> int:
        return len(self._latest)
