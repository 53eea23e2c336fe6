"""Rate limits counted in the store, in the same round trip as other commands."""

import logging
import time
from collections.abc import Sequence

from shared.clock import StoreClock
from shared.domain.units import Instant, Millis
from shared.ports import Limit, Quota
from shared.store.connection import Attempt, Failed, Reply, script
from shared.store.keys import Keys

_log = logging.getLogger("synckairos.limits")


class Counters:
    """Builds the commands that count requests, and reads their replies.

    The script is given the time by the store's clock as soon as that is measured. If the time is
    wrong, a limit may admit too many requests, but refuses none for longer than two windows.
    """

    def __init__(self, keys: Keys, clock: StoreClock) -> None:
        self._keys = keys
        self._clock = clock
        self._fails = False

    def attempts(self, limits: Sequence[Limit]) -> list[Attempt]:
        """Return the scripts that count one request for each of `limits`.

        A script that is sent again after a lost reply counts twice, which only makes it stricter.
        """
        now = self._now()
        return [
            Attempt(
                script("count"),
                [self._keys.counter(limit.counter)],
                [limit.most, limit.window_ms, now],
            )
            for limit in limits
        ]

    def quotas(self, limits: Sequence[Limit], replies: Sequence[Reply]) -> tuple[Quota, ...]:
        """Return the quota of each limit, or none at all if the store failed to count one."""
        if not limits:
            return ()
        if Failed in map(type, replies):
            self._note(next(reply for reply in replies if isinstance(reply, Failed)))
            return ()
        self._fails = False
        return tuple(map(_quota, limits, replies))

    def _note(self, failed: Failed) -> None:
        """Log the first of several failures in a row."""
        if not self._fails:
            _log.warning("the store can't count requests for the rate limits: %s", failed.error)
        self._fails = True

    def _now(self) -> Instant:
        if self._clock.was_measured:
            return self._clock.now()
        return Instant(time.time_ns() // 1_000_000)


def _quota(limit: Limit, reply: Reply) -> Quota:
    is_exceeded, remaining, frees_in_ms = reply
    return Quota(limit, bool(is_exceeded), remaining, Millis(frees_in_ms))
