"""How often a caller may call and a session be switched (API §2, Headers)."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from shared.access.callers import Caller, Role
from shared.access.rights import Operation
from shared.domain.units import Millis
from shared.errors import RateLimitExceeded, StoreUnavailable
from shared.ports import Limit, Quota

_MINUTE = Millis(60_000)
_SECOND = Millis(1_000)
_SWITCHES = "switches"
_READING = frozenset({Operation.READ, Operation.SUBSCRIBE, Operation.READ_HISTORY})
"""What many pages behind one address do at once; a change is one press of a button."""

_MOST_REMEMBERED = 10_000
Kept = TypeVar("Kept")


@dataclass(frozen=True, slots=True)
class Rates:
    """How much is allowed; 0 is no limit.

    Requests a minute: `general` of one caller, `service` of one service token, `anonymous` of one
    address (only reads and subscriptions without a token; what they change counts as `general`).
    Switches a second of one session: `switches`. `fails_open` says what happens to a request that
    couldn't be counted: it goes through.
    """

    general: int = 0
    anonymous: int = 0
    service: int = 0
    switches: int = 0
    fails_open: bool = True


class RateLimiter:
    """Says what is to be counted for a request; the store does it as it loads the session.

    A counter that is known to be exhausted is not asked again until something of it is free: what
    a flood costs is the instance that it hits, never the store.
    """

    def __init__(self, rates: Rates) -> None:
        self._rates = rates
        self._exhausted: dict[str, float] = {}
        self._counted_here: dict[str, tuple[int, int]] = {}

    def allowance(
        self, caller: Caller, address: str, operation: Operation, session: str | None
    ) -> "Allowance":
        """What counts this request of `caller` at `address`; `session` is the session's name."""
        is_anonymous = caller.subject is None
        if is_anonymous and operation in _READING:
            general = Limit(f"readers:{address}", self._rates.anonymous, _MINUTE)
        else:
            general = self._general(caller, address)
        limits = [general]
        if operation is Operation.SWITCH and session:
            counter = f"{_SWITCHES}:{session}{_part_of(caller)}"
            limits.append(Limit(counter, self._rates.switches, _SECOND))
        limits = [limit for limit in limits if limit.most]
        return Allowance(self, general.counter, tuple(limits), is_shared=is_anonymous)

    def _general(self, caller: Caller, address: str) -> Limit:
        if caller.subject is None:
            return Limit(f"address:{address}", self._rates.general, _MINUTE)
        is_service = caller.role is Role.SERVICE
        most = self._rates.service if is_service else self._rates.general
        return Limit(f"caller:{caller.name}", most, _MINUTE)

    def known(self, limit: Limit) -> Quota | None:
        """The quota of a counter that is still exhausted, as far as this instance knows."""
        until = self._exhausted.get(limit.counter, 0.0)
        left_ms = math.ceil((until - time.monotonic()) * 1000)
        return Quota(limit, True, 0, Millis(left_ms)) if left_ms > 0 else None

    def count_here(self, limit: Limit) -> None:
        """Count what never comes to the store, such as a body that can't be read.

        Each instance counts for itself, in windows that don't slide.
        """
        now_ms = time.monotonic() * 1000
        window, count = int(now_ms // limit.window_ms), 1
        if (known := self._counted_here.get(limit.counter)) and known[0] == window:
            count += known[1]
        _keep(self._counted_here, limit.counter, (window, count))
        if count >= limit.most:
            frees_in_ms = Millis(math.ceil((window + 1) * limit.window_ms - now_ms))
            self.remember(Quota(limit, True, 0, frees_in_ms))

    def remember(self, quota: Quota) -> None:
        """Ask no more until something is free."""
        until = time.monotonic() + quota.frees_in_ms / 1000
        _keep(self._exhausted, quota.limit.counter, until)

    @property
    def fails_open(self) -> bool:
        """Whether a request goes through that could not be counted."""
        return self._rates.fails_open


@dataclass(slots=True)
class Allowance:
    """What one request takes from its caller's quota, and from its session's if it switches."""

    limiter: RateLimiter = field(default_factory=lambda: RateLimiter(Rates()))
    caller: str = ""
    """Whose quota it is."""
    limits: tuple[Limit, ...] = ()
    is_shared: bool = False
    """Whether it is that of an address, which many callers may share."""
    shown: Quota | None = None
    """What the answer's headers tell of."""
    _is_counted: bool = False

    def require(self) -> None:
        """Raises `RateLimitExceeded` where it is known, before anything is asked of the store."""
        self._judge([quota for limit in self.limits if (quota := self.limiter.known(limit))])

    def take(self, quotas: Sequence[Quota]) -> None:
        """Take in what was counted. Raises `RateLimitExceeded`, or `StoreUnavailable` for what
        could not be counted, unless that goes through."""
        self._is_counted = True
        if not quotas and self.limits and not self.limiter.fails_open:
            raise StoreUnavailable("Requests can't be counted right now")
        for quota in quotas:
            if quota.is_exceeded:
                self.limiter.remember(quota)
        self._judge(quotas)

    def _judge(self, quotas: Sequence[Quota]) -> None:
        self.shown = quotas[0] if quotas else self.shown
        for quota in quotas:
            if quota.is_exceeded:
                self.shown = quota
                raise _refusal(quota.limit)

    def settle(self) -> None:
        """Count the request here, if it ended before the store could."""
        if self.limits and not self._is_counted and not self.shown:
            self._is_counted = True
            self.limiter.count_here(self.limits[0])

    def headers(self) -> list[tuple[bytes, bytes]]:
        """`RateLimit-*`, the reset in seconds; none for what isn't limited."""
        if self.shown is None:
            return []
        reset_s = -(-self.shown.frees_in_ms // 1000)
        return [
            (b"ratelimit-limit", b"%d" % self.shown.limit.most),
            (b"ratelimit-remaining", b"%d" % self.shown.remaining),
            (b"ratelimit-reset", b"%d" % reset_s),
        ]


def _keep(counters: dict[str, Kept], counter: str, kept: Kept) -> None:
    """Keep it in place of what was kept the longest, where there are too many."""
    counters.pop(counter, None)
    if len(counters) >= _MOST_REMEMBERED:
        del counters[next(iter(counters))]
    counters[counter] = kept


def _part_of(caller: Caller) -> str:
    """Whose part of a session's switches one counts for.

    A host or a participant has one of its own: else one who may not switch at all, or not now,
    could use up what the one on move needs, whose clock runs meanwhile.
    """
    return "" if caller.role is Role.SERVICE else f":{caller.name}"


def _refusal(limit: Limit) -> RateLimitExceeded:
    if limit.counter.startswith(_SWITCHES):
        message = f"Too many cycle switches of this session: {limit.most} a second is the most"
    else:
        message = f"Too many requests: {limit.most} a minute is the most"
    return RateLimitExceeded(message, limit.window_ms // 1000)
