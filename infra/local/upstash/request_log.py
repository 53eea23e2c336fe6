"""Record of the requests that an endpoint has received, for assertions in tests."""

from collections import deque
from collections.abc import Iterator, Sequence
from threading import Lock
from typing import NamedTuple

_CAPACITY = 2_000


class LoggedRequest(NamedTuple):
    """One HTTP request: its path and its commands (empty if unauthorized or invalid)."""

    path: str
    commands: tuple[tuple[str, ...], ...]


class RequestLog:
    """The latest 2000 requests, oldest first. Thread-safe.

    Clear it before counting, because its length stops at 2000.
    """

    def __init__(self) -> None:
        self._latest: deque[LoggedRequest] = deque(maxlen=_CAPACITY)
        self._lock = Lock()

    def add(self, path: str, commands: Sequence[Sequence[bytes]] = ()) -> None:
        """Record a request."""
        readable = tuple(tuple(part.decode(errors="replace") for part in c) for c in commands)
        with self._lock:
            self._latest.append(LoggedRequest(path, readable))

    def clear(self) -> None:
        """Delete all requests."""
        with self._lock:
            self._latest.clear()

    def __iter__(self) -> Iterator[LoggedRequest]:
        with self._lock:
            return iter(list(self._latest))

    def __len__(self) -> int:
        return len(self._latest)
