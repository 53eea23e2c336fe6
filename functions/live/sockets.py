"""How many live connections each caller has at this instance."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from shared.errors import RateLimitExceeded

_RETRY_AFTER_S = 60


class Sockets:
    """Counts them, of sockets and event streams together."""

    def __init__(self, most_per_caller: int) -> None:
        self._most = most_per_caller
        self._open: Counter[str] = Counter()

    @contextmanager
    def one_more(self, caller: str) -> Iterator[None]:
        """Counted until the end of the block. Raises `RateLimitExceeded` for one too many."""
        if self._open[caller] >= self._most:
            message = f"Too many requests for live connections: {self._most} at once is the most"
            raise RateLimitExceeded(message, _RETRY_AFTER_S)
        self._open[caller] += 1
        try:
            yield
        finally:
            self._open[caller] -= 1
            if not self._open[caller]:
                del self._open[caller]
