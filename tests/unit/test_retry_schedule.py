"""The growing delays of sessions whose next audit entry could not be written."""

import pytest

from functions.workers import retry_schedule
from functions.workers.retry_schedule import RetrySchedule


class Clock:
    """A monotonic clock that tests set, s."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock that `retry_schedule` uses."""
    fake = Clock()
    monkeypatch.setattr(retry_schedule, "time", fake)
    return fake


def test_the_delay_doubles_each_time_up_to_a_minute(clock: Clock) -> None:
    waiting, delays = RetrySchedule(), list[float]()
    for _ in range(9):
        clock.now += 1_000
        delays.append(waiting.schedule_retry("a").retry_at - clock.now)
    assert delays == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_session_is_blocked_in_every_round_that_began_before_its_retry_time(clock: Clock) -> None:
    waiting = RetrySchedule()
    waiting.schedule_retry("a")
    assert waiting.block("a", since=100.0)
    clock.now = 200.0
    assert waiting.block("a", since=100.5)
    assert not waiting.block("a", since=101.0)
    assert not waiting.block("b", since=0.0)


def test_a_session_whose_entries_are_written_again_is_forgotten(clock: Clock) -> None:
    waiting = RetrySchedule()
    waiting.schedule_retry("a")
    clock.now = 102.0
    assert waiting.has_due()
    waiting.forget("a")
    assert not waiting
    assert not waiting.has_due()


def test_a_due_session_without_entries_in_a_round_is_forgotten(clock: Clock) -> None:
    waiting = RetrySchedule()
    waiting.schedule_retry("a")
    clock.now = 100.5
    waiting.schedule_retry("b")
    waiting.forget_due(since=101.2)
    assert (waiting.of("a"), waiting.of("b") is None) == (None, False)


def test_the_delay_after_a_parked_entry_starts_short_and_doubles_each_time(
    clock: Clock,
) -> None:
    waiting, delays = RetrySchedule(), list[float]()
    for _ in range(4):
        setback = waiting.schedule_retry("a")
    for _ in range(3):
        waiting.go_on("a")
        delays.append(setback.retry_at - clock.now)
        assert waiting.schedule_retry("a").tries == 4
    assert delays == [1, 2, 4]


def test_no_more_than_ten_thousand_sessions_are_remembered(clock: Clock) -> None:
    waiting = RetrySchedule()
    for n in range(10_001):
        waiting.schedule_retry(str(n))
    assert len(waiting) == 10_000
    assert waiting.of("0") is None
