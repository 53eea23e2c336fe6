"""Sessions whose next audit entry failed wait, and are tried again later each time."""

import pytest

from functions.workers import retry_schedule
from functions.workers.retry_schedule import RetrySchedule


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        """As in `time`."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The only clock there is."""
    own = Clock()
    monkeypatch.setattr(retry_schedule, "time", own)
    return own


def test_a_session_waits_longer_each_time_but_never_longer_than_a_minute(clock: Clock) -> None:
    waiting, delays = RetrySchedule(), list[float]()
    for _ in range(9):
        clock.now += 1_000
        delays.append(waiting.put_off("a").retry_at - clock.now)
    assert delays == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_session_is_blocked_in_every_round_that_began_before_its_time(clock: Clock) -> None:
    waiting = RetrySchedule()
    waiting.put_off("a")
    assert waiting.block("a", since=100.0)
    clock.now = 200.0
    assert waiting.block("a", since=100.5)
    assert not waiting.block("a", since=101.0)
    assert not waiting.block("b", since=0.0)


def test_a_session_whose_entries_are_written_again_is_forgotten(clock: Clock) -> None:
    waiting = RetrySchedule()
    waiting.put_off("a")
    clock.now = 102.0
    assert waiting.has_due()
    waiting.forget("a")
    assert not waiting
    assert not waiting.has_due()


def test_what_was_due_and_did_not_come_in_a_round_is_forgotten(clock: Clock) -> None:
    waiting = RetrySchedule()
    waiting.put_off("a")
    clock.now = 100.5
    waiting.put_off("b")
    waiting.forget_due(since=101.2)
    assert (waiting.of("a"), waiting.of("b") is None) == (None, False)


def test_a_session_whose_entry_was_parked_goes_on_soon_but_more_slowly_each_time(
    clock: Clock,
) -> None:
    waiting, delays = RetrySchedule(), list[float]()
    for _ in range(4):
        setback = waiting.put_off("a")
    for _ in range(3):
        waiting.go_on("a")
        delays.append(setback.retry_at - clock.now)
        assert waiting.put_off("a").tries == 4
    assert delays == [1, 2, 4]


def test_no_more_than_ten_thousand_are_remembered(clock: Clock) -> None:
    waiting = RetrySchedule()
    for n in range(10_001):
        waiting.put_off(str(n))
    assert len(waiting) == 10_000
    assert waiting.of("0") is None
