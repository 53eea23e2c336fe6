"""How much of something there may be in a second."""

import time
from collections import deque
from collections.abc import Callable


class Rate:
    """Counts what happens within a sliding second; `most` of None lets everything happen."""

    def __init__(self, most: int | None, now_s: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._now_s = now_s
        self._instants: deque[float] = deque()

    @property
    def is_used_up(self) -> bool:
        """Whether not even one more fits."""
        return self._room() == 0

    def take(self, count: int = 1) -> bool:
        """Whether `count` more fit; only then are they counted."""
        room = self._room()
        if room is None:
            return True
        if count > room:
            return False
        self._instants.extend([self._now_s()] * count)
        return True

    def _room(self) -> int | None:
        if self._most is None:
            return None
        since = self._now_s() - 1.0
        while self._instants and self._instants[0] <= since:
            self._instants.popleft()
        return max(0, self._most - len(self._instants))
