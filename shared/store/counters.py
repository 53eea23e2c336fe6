"""Limits, counted in the store while it is asked for something else."""

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
    """What to ask the store, and what its replies say.

    The time is passed in, by the store's clock as soon as that is known. Where it isn't right, a
    limit may let more through, but keeps nobody out for longer than two windows.
    """

    def __init__(self, keys: Keys, clock: StoreClock) -> None:
        self._keys = keys
        self._clock = clock
        self._fails = False

    def attempts(self, limits: Sequence[Limit]) -> list[Attempt]:
        """What counts one more for each of `limits`.

        Sent again after a lost reply it counts twice, which is on the safe side.
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
        """How the limits stand; none where the store could not count all of them."""
        if not limits:
            return ()
        if Failed in map(type, replies):
            self._note(next(reply for reply in replies if isinstance(reply, Failed)))
            return ()
        self._fails = False
        return tuple(map(_quota, limits, replies))

    def _note(self, failed: Failed) -> None:
        """Say that it has begun to fail, once."""
        if not self._fails:
            _log.warning("requests can't be counted for the time being: %s", failed.error)
        self._fails = True

    def _now(self) -> Instant:
        if self._clock.was_measured:
            return self._clock.now()
        return Instant(time.time_ns() // 1_000_000)


def _quota(limit: Limit, reply: Reply) -> Quota:
    is_exceeded, remaining, frees_in_ms = reply
    return Quota(limit, bool(is_exceeded), remaining, Millis(frees_in_ms))
