"""Rate limits per caller and per session (docs/api.md, Header fields)."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from msgspec import Struct, field

from shared.application.authorization import Caller, Operation, Role
from shared.application.errors import RateLimitExceeded, StoreUnavailable
from shared.application.ports.rate_limit import RateLimit, RateLimitState
from shared.domain.units import Millis

_MINUTE = Millis(60_000)
_SECOND = Millis(1_000)
_SWITCHES = "switches"
_READING = frozenset({Operation.READ, Operation.SUBSCRIBE, Operation.READ_HISTORY})
"""Operations with a higher limit: many pages behind one address call them at the same time."""

_MAX_COUNTERS = 10_000
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class RateLimits:
    """The configured limits; 0 means no limit.

    Requests a minute: `general` per caller, `service` per service token, `anonymous` per address
    (reads and subscriptions without a token; changes without one count against `general`).
    Switches a second: `switches` per session. With `fails_open`, requests that can't be counted
    are let through.
    """

    general: int = 0
    anonymous: int = 0
    service: int = 0
    switches: int = 0
    fails_open: bool = True


class RateLimiter:
    """Determines the limits of a request; the store counts them when it loads the session.

    An exhausted counter is remembered until it has room again, so that a flood of requests loads
    only the instance that it hits, not the store.
    """

    def __init__(self, rates: RateLimits) -> None:
        self.rates = rates
        self._exhausted_until: dict[str, float] = {}
        self._local_counts: dict[str, tuple[int, int]] = {}

    def for_request(
        self, caller: Caller, address: str, operation: Operation, session: str | None
    ) -> "RequestRateLimit":
        """Return the rate-limit state of a request from `address`; `session` is its store name.

        Every request counts against one general limit; a switch also counts against its session's.
        A limit for another operation belongs here.
        """
        rates, is_anonymous = self.rates, caller.subject is None
        if not is_anonymous:
            counter = f"caller:{caller.name}"
            most = rates.service if caller.role is Role.SERVICE else rates.general
        elif operation in _READING:
            counter, most = f"readers:{address}", rates.anonymous
        else:
            counter, most = f"address:{address}", rates.general
        limits: tuple[RateLimit, ...] = (RateLimit(counter, most, _MINUTE),) if most else ()
        if rates.switches and operation is Operation.SWITCH and session:
            switches = f"{_SWITCHES}:{session}{_switch_share(caller)}"
            limits += (RateLimit(switches, rates.switches, _SECOND),)
        return RequestRateLimit(self, counter, limits, is_shared=is_anonymous)

    def for_wrong_keys(self, address: str) -> "RequestRateLimit":
        """Return the state of a request from `address` whose API key may be wrong; this instance
        counts only those that are."""
        limit = RateLimit(f"wrong-keys:{address}", self.rates.general, _MINUTE)
        return RequestRateLimit(self, limit.counter, (limit,) if limit.most else (), is_shared=True)

    def known(self, limit: RateLimit) -> RateLimitState | None:
        """Return the quota of `limit` if this instance knows that it is still exhausted."""
        until = self._exhausted_until.get(limit.counter, 0.0)
        left_ms = math.ceil((until - time.monotonic()) * 1000)
        return RateLimitState(limit, True, 0, Millis(left_ms)) if left_ms > 0 else None

    def count_locally(self, limit: RateLimit) -> None:
        """Count a request that never reaches the store, such as one with an invalid body.

        Each instance counts separately, in fixed windows.
        """
        now_ms = time.monotonic() * 1000
        window, count = int(now_ms // limit.window_ms), 1
        if (known := self._local_counts.get(limit.counter)) and known[0] == window:
            count += known[1]
        _store_bounded(self._local_counts, limit.counter, (window, count))
        if count >= limit.most:
            retry_after_ms = Millis(math.ceil((window + 1) * limit.window_ms - now_ms))
            self.remember(RateLimitState(limit, True, 0, retry_after_ms))

    def remember(self, quota: RateLimitState) -> None:
        """Remember an exhausted quota until it has room again."""
        until = time.monotonic() + quota.retry_after_ms / 1000
        _store_bounded(self._exhausted_until, quota.limit.counter, until)


class RequestRateLimit(Struct):
    """Rate-limit state of one request: its limits, and the quota to report to the client."""

    limiter: RateLimiter = field(default_factory=lambda: RateLimiter(RateLimits()))
    counter: str = ""
    """Name of the caller or address that is counted."""
    limits: tuple[RateLimit, ...] = ()
    is_shared: bool = False
    """Whether the quota belongs to an address, which several callers may share."""
    reported: RateLimitState | None = None
    """The quota that the response headers report.

    The commands of a batch are counted at the same time and may be recorded in another order, so
    this is the quota with the fewest remaining requests.
    """
    _is_counted: bool = False

    def check(self) -> None:
        """Raise `RateLimitExceeded` if a limit is known to be exhausted; doesn't ask the store."""
        if self.limits:
            self._raise_exceeded(
                [quota for limit in self.limits if (quota := self.limiter.known(limit))]
            )

    def record(self, quotas: Sequence[RateLimitState]) -> None:
        """Record the `quotas` that the store has counted.

        Raises `RateLimitExceeded`, and `StoreUnavailable` where the store could not count and
        `fails_open` is off.
        """
        self._is_counted = True
        if not self.limits:
            return
        if not quotas and not self.limiter.rates.fails_open:
            raise StoreUnavailable("The rate limiter is unavailable")
        for quota in quotas:
            if quota.is_exceeded:
                self.limiter.remember(quota)
        self._raise_exceeded(quotas)

    def _raise_exceeded(self, quotas: Sequence[RateLimitState]) -> None:
        if quotas and not (self.reported and self.reported.remaining < quotas[0].remaining):
            self.reported = quotas[0]
        for quota in quotas:
            if quota.is_exceeded:
                self.reported = quota
                raise _exceeded(quota.limit)

    def finish(self) -> None:
        """Count the request on this instance if it ended before the store counted it."""
        if self.limits and not self._is_counted and not self.reported:
            self._is_counted = True
            self.limiter.count_locally(self.limits[0])

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return the `RateLimit-*` fields (reset in s), or none for an unlimited request."""
        if self.reported is None:
            return []
        reset_s = -(-self.reported.retry_after_ms // 1000)
        return [
            (b"ratelimit-limit", b"%d" % self.reported.limit.most),
            (b"ratelimit-remaining", b"%d" % self.reported.remaining),
            (b"ratelimit-reset", b"%d" % reset_s),
        ]


def _store_bounded(counters: dict[str, _Value], counter: str, value: _Value) -> None:
    """Set `counter` to `value`; when the dictionary is full, drop the least recently set entry."""
    counters.pop(counter, None)
    if len(counters) >= _MAX_COUNTERS:
        del counters[next(iter(counters))]
    counters[counter] = value


def _switch_share(caller: Caller) -> str:
    """Return the suffix of the counter of switches: one counter for each host or participant.

    With a shared one, callers who may not switch could use up the limit that the active
    participant needs while its clock is running.
    """
    return "" if caller.role is Role.SERVICE else f":{caller.name}"


def _exceeded(limit: RateLimit) -> RateLimitExceeded:
    if limit.counter.startswith(_SWITCHES):
        message = f"Too many cycle switches of this session: the limit is {limit.most} per second"
    else:
        message = f"Too many requests: the limit is {limit.most} per minute"
    return RateLimitExceeded(message, limit.window_ms // 1000)
