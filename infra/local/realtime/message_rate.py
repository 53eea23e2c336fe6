"""A project's messages per second, as Realtime counts and limits them."""

import time
from collections import deque
from collections.abc import Callable

_WINDOW_S = 5.0
_WINDOWS = 12


class MessageRate:
    """Counts sends and deliveries in windows of 5 s.

    The rate is the average of the last 12 complete windows, or of those since the first message.
    """

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self._clock = clock
        self._complete: deque[int] = deque(maxlen=_WINDOWS)
        self._count = 0
        self._began: float | None = None

    @property
    def average(self) -> int:
        """Messages per second, rounded down."""
        self._complete_windows()
        if not self._complete:
            return 0
        return int(sum(self._complete) / len(self._complete) / _WINDOW_S)

    @property
    def is_exceeded(self) -> bool:
        """Whether messages are refused now."""
        return self.average >= self.limit

    def add(self, messages: int) -> None:
        """Count messages that were sent or delivered."""
        self._complete_windows()
        if self._began is None:
            self._began = self._clock()
        self._count += messages

    def headers(self) -> dict[str, str]:
        """Return the header fields of every answer to a broadcast."""
        average = self.average
        return {
            "x-rate-rolling": str(average),
            "x-rate-limit": str(self.limit),
            "x-rate-limit-remaining": str(self.limit - average),
        }

    def _complete_windows(self) -> None:
        if self._began is None:
            return
        now = self._clock()
        while now >= self._began + _WINDOW_S:
            self._complete.append(self._count)
            self._count = 0
            self._began += _WINDOW_S
