"""Rate limits counted in the store, in the same round trip as other commands."""

import logging
import time
from collections.abc import Sequence

from shared.application.ports.rate_limit import RateLimit, RateLimitState
from shared.application.store_clock import StoreClock
from shared.domain.units import Instant, Millis
from shared.store.connection import FailedReply, OptionalScript, Reply, load_script
from shared.store.keys import StoreKeys

_log = logging.getLogger("synckairos.limits")


class RateLimitCounters:
    """Builds the commands that count requests, and reads their replies.

    The script is given the time by the store's clock as soon as that is measured. If the time is
    wrong, a limit may admit too many requests, but refuses none for longer than two windows.
    """

    def __init__(self, keys: StoreKeys, clock: StoreClock) -> None:
        self._keys = keys
        self._clock = clock
        self._fails = False

    def attempts(self, limits: Sequence[RateLimit]) -> list[OptionalScript]:
        """Return the scripts that count one request for each of `limits`.

        A script that is sent again after a lost reply counts twice, which only makes it stricter.
        """
        if not limits:
            return []
        now = self._now()
        return [
            OptionalScript(
                load_script("count"),
                [self._keys.counter(limit.counter)],
                [limit.most, limit.window_ms, now],
            )
            for limit in limits
        ]

    def quotas(
        self, limits: Sequence[RateLimit], replies: Sequence[Reply]
    ) -> tuple[RateLimitState, ...]:
        """Return the quota of each limit, or none at all if the store failed to count one."""
        if not limits:
            return ()
        if FailedReply in map(type, replies):
            self._note(next(reply for reply in replies if isinstance(reply, FailedReply)))
            return ()
        self._fails = False
        return tuple(map(_quota, limits, replies))

    def _note(self, failed: FailedReply) -> None:
        """Log the first of several failures in a row."""
        if not self._fails:
            _log.warning("the store can't count requests for the rate limits: %s", failed.error)
        self._fails = True

    def _now(self) -> Instant:
        if self._clock.was_measured:
            return self._clock.now()
        return Instant(time.time_ns() // 1_000_000)


def _quota(limit: RateLimit, reply: Reply) -> RateLimitState:
    is_exceeded, remaining, retry_after_ms = reply
    return RateLimitState(limit, bool(is_exceeded), remaining, Millis(retry_after_ms))
