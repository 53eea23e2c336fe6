"""What players were told, to be held against the audit trail."""

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
    """The same for all tries of one change: its id."""
    request_id: str
    begun: float
    """`time.monotonic()`"""
    seconds: float
    answer: httpx.Response
    is_change: bool

    @property
    def succeeded(self) -> bool:
        """Whether it was done; a replay of an earlier success counts."""
        return self.answer.is_success

    @property
    def data(self) -> dict[str, Any]:
        """What a success carries."""
        return dict(self.answer.json()["data"])


@dataclass
class Ledger:
    """Every attempt, in the order of the answers."""

    attempts: list[Attempt] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def enter(self, attempt: Attempt) -> None:
        """One more."""
        self.attempts.append(attempt)
        self._news.set()

    async def until(self, has_come: Callable[[], bool]) -> None:
        """Return when `has_come`, which depends on attempts alone."""
        while not has_come():
            self._news.clear()
            await self._news.wait()

    def successes(self, *, since: float = 0.0) -> list[Attempt]:
        """The changes that were made and answered after `since`."""
        return [
            a for a in self.attempts if a.is_change and a.succeeded and a.begun + a.seconds > since
        ]

    def durations(self, since: float, until: float) -> list[float]:
        """How long the switches took that were begun and answered between the two, s."""
        return sorted(
            a.seconds
            for a in self.attempts
            if a.is_change and a.begun > since and a.begun + a.seconds < until
        )

    def check_in_time(self, within_s: float, *, since: float) -> None:
        """Assert that nobody was left waiting."""
        late = [a for a in self.attempts if a.begun > since and a.seconds > within_s]
        assert not late, [(a.operation, a.seconds, a.answer.status_code) for a in late]

    def statuses(self, since: float) -> Counter[int]:
        """How many answers of each status there were to what was asked since then."""
        return Counter(a.answer.status_code for a in self.attempts if a.begun > since)


def is_unavailable(answer: httpx.Response) -> bool:
    """Whether the caller was told to come back, and when."""
    is_later = int(answer.headers.get("retry-after", 0)) >= 1
    return error_of(answer) == (503, "STORE_UNAVAILABLE") and is_later


def each_player(attempts: Iterable[Attempt], players: int, times: int) -> bool:
    """Whether every player has at least that many of `attempts`."""
    counts = Counter(attempt.player for attempt in attempts)
    return len(counts) == players and min(counts.values()) >= times


def now() -> float:
    """The clock of a ledger, s."""
    return time.monotonic()
