"""How many live connections each caller has at this instance."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from shared.errors import RateLimitExceeded

_RETRY_AFTER_S = 60


class Sockets:
    """Counts them, of sockets and event streams together."""

    def __init__(self, most_per_caller: int, most_per_address: int) -> None:
        self._most_per_caller = most_per_caller
        self._most_per_address = most_per_address
        self._open: Counter[str] = Counter()

    @contextmanager
    def one_more(self, caller: str, *, is_address: bool = False) -> Iterator[None]:
        """Counted until the end of the block; `caller` may be an address that many share.

        Raises `RateLimitExceeded` for one too many.
        """
        most = self._most_per_address if is_address else self._most_per_caller
        if self._open[caller] >= most:
            message = f"Too many requests for live connections: {most} at once is the most"
            raise RateLimitExceeded(message, _RETRY_AFTER_S)
        self._open[caller] += 1
        try:
            yield
        finally:
            self._open[caller] -= 1
            if not self._open[caller]:
                del self._open[caller]
