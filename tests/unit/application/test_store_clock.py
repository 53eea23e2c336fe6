"""An instance's estimate of the store's clock."""

import pytest

from shared.application.store_clock import StoreClock


class Ticker:
    """A monotonic clock that a test sets, s."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def monotonic(monkeypatch: pytest.MonkeyPatch) -> Ticker:
    """The monotonic clock that `StoreClock` uses."""
    ticker = Ticker()
    monkeypatch.setattr("shared.application.store_clock.time.monotonic", ticker)
    return ticker


def test_the_store_s_time_is_taken_for_the_middle_of_the_round_trip(monotonic: Ticker) -> None:
    clock = StoreClock()
    clock.observe(sent=999.0, received=1_000.0, store_time_s=5_000.0)
    assert clock.now() == 5_000_500


def test_the_clock_advances_with_the_monotonic_clock(monotonic: Ticker) -> None:
    clock = StoreClock()
    clock.observe(1_000.0, 1_000.0, 5_000.0)
    monotonic.now += 12.345
    assert clock.now() == 5_012_345


def test_the_shortest_round_trip_wins(monotonic: Ticker) -> None:
    clock = StoreClock()
    clock.observe(1_000.0, 1_000.002, 5_000.001)
    clock.observe(1_000.0, 1_000.900, 5_000.001)
    assert clock.now() == 5_000_000
    assert clock.error_ms == pytest.approx(1.0)


def test_an_old_sample_is_replaced_even_by_a_worse_one(monotonic: Ticker) -> None:
    clock = StoreClock()
    clock.observe(1_000.0, 1_000.0, 5_000.0)
    monotonic.now += 40
    clock.observe(1_039.9, 1_040.1, 6_000.0)
    assert clock.now() == 6_000_000


def test_the_clock_is_stale_a_minute_after_its_last_sample(monotonic: Ticker) -> None:
    clock = StoreClock()
    assert clock.is_stale
    assert not clock.was_measured
    clock.observe(1_000.0, 1_000.0, 5_000.0)
    assert not clock.is_stale
    monotonic.now += 61
    assert clock.is_stale
    assert clock.was_measured
