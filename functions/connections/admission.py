"""Which requests an overloaded instance takes: as many as it can answer in good time.

The event loop runs everything that is ready once in a round. While its rounds are long it has more
to do than it can, and requests wait: then it works on no more of them at once than it can answer
within 12 ms, and every further one is refused as it comes, for a tenth of what serving it would
take. A burst is served whole: rounds must be long for a while (as CoDel looks at queues, RFC 8289).
Rounds are measured in processor time: one that waits for a busy machine has no more to do for that.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final, Protocol

_LONG_ROUND_S: Final = 0.005
_PATIENCE_S: Final = 0.25
"""Processor time that goes by in long rounds before anything is refused, s."""

_CALM_S: Final = 0.1
"""After so long without a refusal a short round means that it is over, s."""

_STALE_S: Final = 1.0
"""After so long without a request nothing is known of rounds, s."""

_TARGET_S: Final = 0.012
"""Processor time that the requests at work may take together, and so the time of each, s."""

_LEAST: Final = 24
"""So many requests are worked on at once in any case."""

_FIRST_COST_S: Final = 0.001
_SAMPLE_S: Final = 0.1
_SMOOTHING: Final = 0.3

_ALWAYS: Final = frozenset({b"/health", b"/ready", b"/metrics", b"/v1/time"})
"""Cheap, bounded elsewhere, and needed most when there is too much of everything else."""


class Work(Protocol):
    """A request that is being worked on until its answer has begun."""

    response_started: bool


class Admission:
    """One for all connections of an instance; `count_shed` is called for each refused request."""

    def __init__(self, count_shed: Callable[[], None] = lambda: None) -> None:
        self._count_shed = count_shed
        self._working: set[Work] = set()
        self._cost = _Cost()
        self._is_measuring = False
        self._long_since: float | None = None
        self._shed_at = self._measured_at = 0.0

    @property
    def is_strained(self) -> bool:
        """Whether rounds are long, so that requests may have to be refused."""
        return self._long_since is not None

    def admits(self, path: bytes, loop: asyncio.AbstractEventLoop) -> bool:
        """Whether a request for `path`, which has just come, is to be worked on."""
        if not self._is_measuring:
            self._is_measuring = True
            # What is called soon runs in the next round: from there to the one after it is whole.
            loop.call_soon(self._begin_round, loop)
        if self._long_since is None or path in _ALWAYS:
            return True
        now = time.monotonic()
        if now - self._measured_at > _STALE_S:
            self._long_since = None
            return True
        if time.thread_time() - self._long_since <= _PATIENCE_S or self._has_room():
            return True
        self._shed_at = now
        self._count_shed()
        return False

    def began(self, work: Work) -> None:
        """A request has come whole and is being worked on."""
        self._working.add(work)

    def ended(self, work: Work) -> None:
        """Its answer is complete, or its client has left."""
        if work in self._working:
            self._working.remove(work)
            self._cost.served += 1

    def _has_room(self) -> bool:
        return len(self._working) < max(_LEAST, _TARGET_S / self._cost.of_request_s)

    def _begin_round(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.call_soon(self._end_round, time.thread_time())

    def _end_round(self, began: float) -> None:
        """Take in how much a round took."""
        self._is_measuring = False
        now, used_s = time.monotonic(), time.thread_time()
        self._measured_at = now
        # An answer that has begun waits for its client, not for this instance.
        self._working = {work for work in self._working if not work.response_started}
        if used_s - began > _LONG_ROUND_S:
            self._long_since = self._long_since or used_s
        elif now - self._shed_at > _CALM_S:
            self._long_since = None
        self._cost.sample(now, used_s)


class _Cost:
    """The processor time that a request takes, with everything else that the instance does."""

    def __init__(self) -> None:
        self.of_request_s = _FIRST_COST_S
        self.served = 0
        self._sampled_at = 0.0
        self._used_s = 0.0

    def sample(self, now: float, used_s: float) -> None:
        """Take in what was used and served since the last sample, ten times a second."""
        if now - self._sampled_at < _SAMPLE_S:
            return
        if self.served and now - self._sampled_at < 2 * _SAMPLE_S:
            cost_s = (used_s - self._used_s) / self.served
            self.of_request_s += _SMOOTHING * (cost_s - self.of_request_s)
        self._sampled_at, self._used_s, self.served = now, used_s, 0
