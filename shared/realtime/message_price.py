"""The cost of one message in a Supabase project's message rate."""

import time
from collections.abc import Callable
from typing import NamedTuple

_WINDOW_S = 5.0
_WINDOWS = 12
"""Supabase's average covers this many windows, which is a minute."""

_FREE_SHARE = 0.5
"""Up to this share of the project's limit, a message costs one token."""

_MOST_S = 5.0
"""A message takes at most what the limit allows in this time, so that an instance that sends little
is not held up for longer by others that send much."""


class ProjectRate(NamedTuple):
    """A project's messages per second: the average of the last minute, and the limit."""

    average: int
    limit: int


class MessagePrice:
    """Estimates the price of a message from the rates that Supabase reports.

    Supabase counts a message when it is sent, and once more for each client that receives it. So
    the price is the project's average rate, divided by this instance's rate of messages. It rises
    further as the average comes near the limit, so that the limit isn't reached. Where other
    instances send too, each one slows down in the same proportion.

    `rate` is the number of tokens per second that this instance may spend.
    """

    def __init__(self, rate: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._clock = clock
        self._sent: dict[int, int] = {}
        """Messages by number of the window."""
        self._price = 1.0
        self._reported_at = clock()

    def current(self) -> float:
        """Return the price of a message in tokens, at least 1."""
        is_outdated = self._clock() - self._reported_at > _WINDOW_S * _WINDOWS
        return 1.0 if is_outdated else self._price

    def observe(self, messages: int, reported: ProjectRate | None) -> None:
        """Note that Supabase accepted that many messages, and the rate in its answer, if any."""
        now = self._clock()
        window = int(now / _WINDOW_S)
        self._sent[window] = self._sent.get(window, 0) + messages
        for past in [past for past in self._sent if past <= window - _WINDOWS]:
            del self._sent[past]
        if reported is not None:
            self._price = self._estimate(reported, window)
            self._reported_at = now

    def _estimate(self, reported: ProjectRate, window: int) -> float:
        average, limit = reported
        if limit <= 0 or average < limit * _FREE_SHARE:
            return 1.0
        own_rate = sum(self._sent.values()) / (_WINDOW_S * (window - min(self._sent) + 1))
        price = average / own_rate * limit * (1 - _FREE_SHARE) / max(limit - average, 1)
        return max(1.0, min(price, limit * _MOST_S)) * max(1.0, self._rate / limit)
