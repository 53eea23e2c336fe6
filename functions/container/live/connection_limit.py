"""Limit of live connections per caller at this instance."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from shared.application.errors import RateLimitExceeded

_RETRY_AFTER_S = 60


class ConnectionLimit:
    """Counts the open WebSockets and event streams of each caller."""

    def __init__(self, most_per_caller: int, most_per_address: int) -> None:
        self._most_per_caller = most_per_caller
        self._most_per_address = most_per_address
        self._open: Counter[str] = Counter()

    @contextmanager
    def reserve(self, caller: str, *, is_address: bool = False) -> Iterator[None]:
        """Count a connection until the end of the block.

        `is_address` means that `caller` is an IP address, which many clients may share. Raises
        `RateLimitExceeded` when the limit is reached.
        """
        most = self._most_per_address if is_address else self._most_per_caller
        if self._open[caller] >= most:
            message = f"Too many requests for live connections: at most {most} at once are allowed"
            raise RateLimitExceeded(message, _RETRY_AFTER_S)
        self._open[caller] += 1
        try:
            yield
        finally:
            self._open[caller] -= 1
            if not self._open[caller]:
                del self._open[caller]
