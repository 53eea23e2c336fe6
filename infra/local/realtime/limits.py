"""Rate limits per second."""

import time
from collections import deque
from collections.abc import Callable


class RateLimiter:
    """A limit of `limit` events per sliding second; `None` is no limit."""

    def __init__(self, limit: int | None, now_s: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._now_s = now_s
        self._times_s: deque[float] = deque()

    @property
    def is_exhausted(self) -> bool:
        """Whether the limit is reached."""
        return self._remaining() == 0

    def take(self, count: int = 1) -> bool:
        """Count `count` events if all are within the limit; return whether they are."""
        remaining = self._remaining()
        if remaining is None:
            return True
        if count > remaining:
            return False
        self._times_s.extend([self._now_s()] * count)
        return True

    def _remaining(self) -> int | None:
        if self._limit is None:
            return None
        since = self._now_s() - 1.0
        while self._times_s and self._times_s[0] <= since:
            self._times_s.popleft()
        return max(0, self._limit - len(self._times_s))
