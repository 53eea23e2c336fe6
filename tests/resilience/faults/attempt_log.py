"""A log of the players' requests and answers, to be compared with the audit trail."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.support.api import error_of


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request and its answer."""

    player: int
    operation: str
    """Id of the change or read; all tries of one change share it."""
    request_id: str
    started_at: float
    """In s, by `now()`."""
    duration_s: float
    answer: httpx.Response
    is_change: bool

    @property
    def succeeded(self) -> bool:
        """Whether the answer is a success; a replay of an earlier one counts."""
        return self.answer.is_success

    @property
    def data(self) -> dict[str, Any]:
        """The `data` of a successful answer."""
        return dict(self.answer.json()["data"])


@dataclass
class AttemptLog:
    """Every attempt, in the order of the answers."""

    attempts: list[Attempt] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, attempt: Attempt) -> None:
        """Add an attempt and wake up `wait_until`."""
        self.attempts.append(attempt)
        self._changed.set()

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        """Return when `condition` is true; it must depend on the attempts alone."""
        while not condition():
            self._changed.clear()
            await self._changed.wait()

    def successes(self, *, since: float = 0.0) -> list[Attempt]:
        """Return the successful changes that were answered after `since`."""
        return [
            a
            for a in self.attempts
            if a.is_change and a.succeeded and a.started_at + a.duration_s > since
        ]

    def durations(self, since: float, until: float) -> list[float]:
        """Return the durations in s of the changes started and answered between the two times."""
        return sorted(
            a.duration_s
            for a in self.attempts
            if a.is_change and a.started_at > since and a.started_at + a.duration_s < until
        )

    def check_durations(self, limit_s: float, *, since: float) -> None:
        """Assert that no attempt started after `since` took longer than `limit_s`."""
        late = [a for a in self.attempts if a.started_at > since and a.duration_s > limit_s]
        assert not late, [(a.operation, a.duration_s, a.answer.status_code) for a in late]

    def statuses(self, since: float) -> Counter[int]:
        """Count the statuses of the answers to requests sent after `since`."""
        return Counter(a.answer.status_code for a in self.attempts if a.started_at > since)


def is_unavailable(answer: httpx.Response) -> bool:
    """Return whether the answer is the 503 STORE_UNAVAILABLE with a `Retry-After`."""
    has_retry_after = int(answer.headers.get("retry-after", 0)) >= 1
    return error_of(answer) == (503, "STORE_UNAVAILABLE") and has_retry_after


def every_player_has(attempts: Iterable[Attempt], players: int, times: int) -> bool:
    """Return whether each of `players` players made at least `times` of `attempts`."""
    counts = Counter(attempt.player for attempt in attempts)
    return len(counts) == players and min(counts.values()) >= times


def now() -> float:
    """Return the time of an attempt log, in s."""
    return time.monotonic()
