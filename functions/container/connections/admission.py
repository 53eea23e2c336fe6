"""Admission control: an overloaded instance accepts only requests that it can answer in time.

Overload is measured by the event loop's iterations. While they are long, requests wait; then the
instance works on at most as many requests at once as it can answer within 12 ms, and refuses all
others on arrival, at a tenth of the cost of serving them. Iterations must be long for a while
before anything is refused, so bursts are served (compare CoDel, RFC 8289). Iterations are measured
in processor time, so waiting for a busy machine doesn't count as overload.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final, Protocol

_LONG_ITERATION_S: Final = 0.005
_OVERLOADED_AFTER_S: Final = 0.25
"""Processor time in long iterations before requests are refused, s."""

_RECOVERED_AFTER_S: Final = 0.1
"""Time without a refusal after which one short iteration ends the overload, s."""

_STALE_S: Final = 1.0
"""Time after which the last measurement of an iteration is ignored, s."""

_TARGET_S: Final = 0.012
"""Processor time that all accepted requests may take together, and so the latency of each, s."""

_MIN_CONCURRENCY: Final = 24
"""Requests that are always worked on at once, at any cost."""

_INITIAL_COST_S: Final = 0.001
_SAMPLE_S: Final = 0.1
_SMOOTHING: Final = 0.3

_EXEMPT_PATHS: Final = frozenset({b"/health", b"/ready", b"/metrics", b"/v1/time"})
"""Never refused: cheap, limited elsewhere, and needed most during an overload."""


class RequestInProgress(Protocol):
    """A request in progress; it no longer counts once its response has started."""

    response_started: bool


class AdmissionControl:
    """Admits requests on all connections of an instance; `count_shed` counts the refused ones."""

    def __init__(self, count_shed: Callable[[], None] = lambda: None) -> None:
        self._count_shed = count_shed
        self._in_progress: set[RequestInProgress] = set()
        self._cost = _RequestCost()
        self._is_measuring = False
        self._long_since: float | None = None
        self._shed_at = self._measured_at = 0.0

    @property
    def is_overloaded(self) -> bool:
        """Whether iterations are long, so that requests may be refused."""
        return self._long_since is not None

    def admits(self, path: bytes, loop: asyncio.AbstractEventLoop) -> bool:
        """Return whether to serve a new request for `path`; count it as shed if not."""
        if not self._is_measuring:
            self._is_measuring = True
            # The callback runs in the next iteration, from whose start a whole one is measured.
            loop.call_soon(self._begin_iteration, loop)
        if self._long_since is None or path in _EXEMPT_PATHS:
            return True
        now = time.monotonic()
        if now - self._measured_at > _STALE_S:
            self._long_since = None
            return True
        if time.thread_time() - self._long_since <= _OVERLOADED_AFTER_S or self._has_capacity():
            return True
        self._shed_at = now
        self._count_shed()
        return False

    def began(self, work: RequestInProgress) -> None:
        """Register a request that has arrived completely and is now being served."""
        self._in_progress.add(work)

    def ended(self, work: RequestInProgress) -> None:
        """Unregister a request whose response is complete or whose client has disconnected."""
        if work in self._in_progress:
            self._in_progress.remove(work)
            self._cost.served += 1

    def _has_capacity(self) -> bool:
        limit = max(_MIN_CONCURRENCY, _TARGET_S / self._cost.per_request_s)
        return len(self._in_progress) < limit

    def _begin_iteration(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.call_soon(self._end_iteration, time.thread_time())

    def _end_iteration(self, began: float) -> None:
        self._is_measuring = False
        now, used_s = time.monotonic(), time.thread_time()
        self._measured_at = now
        # A response that has started waits for its client, not for this instance.
        self._in_progress = {work for work in self._in_progress if not work.response_started}
        if used_s - began > _LONG_ITERATION_S:
            self._long_since = self._long_since or used_s
        elif now - self._shed_at > _RECOVERED_AFTER_S:
            self._long_since = None
        self._cost.sample(now, used_s)


class _RequestCost:
    """The average processor time per request, all other work of the instance included."""

    def __init__(self) -> None:
        self.per_request_s = _INITIAL_COST_S
        self.served = 0
        self._sampled_at = 0.0
        self._used_s = 0.0

    def sample(self, now: float, used_s: float) -> None:
        """Update the average, at most ten times a second.

        `now` is monotonic time, `used_s` the processor time of this thread, both s.
        """
        if now - self._sampled_at < _SAMPLE_S:
            return
        if self.served and now - self._sampled_at < 2 * _SAMPLE_S:
            cost_s = (used_s - self._used_s) / self.served
            self.per_request_s += _SMOOTHING * (cost_s - self.per_request_s)
        self._sampled_at, self._used_s, self.served = now, used_s, 0
