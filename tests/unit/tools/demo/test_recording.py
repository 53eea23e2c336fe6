"""Recorded games, scaled to another speed."""

import pytest

from tests.demo.errors import DemoError
from tests.demo.recording import AcceleratedGame, RecordedGame, Side, load_games

GAME = RecordedGame("60+1", 60_000, 1_000, "time", "white", (59_000, 60_500, 57_000))


def test_bank_and_increment_are_scaled_alike() -> None:
    fast = AcceleratedGame(GAME, 60)
    assert (fast.bank_ms, fast.increment_ms) == (1_000, 17)


def test_a_press_aims_at_the_recorded_clock_before_the_rounded_increment() -> None:
    fast = AcceleratedGame(GAME, 60)
    assert fast.press_at_ms(1) + fast.increment_ms == pytest.approx(60_500 / 60)


def test_before_a_side_has_moved_its_clock_shows_the_bank() -> None:
    fast = AcceleratedGame(GAME, 60)
    assert [fast.shown_ms(Side.BLACK, move) for move in (0, 1)] == [1_000, 1_000]
    assert fast.shown_ms(Side.WHITE, 2) == pytest.approx(59_000 / 60)


def test_a_speed_at_which_the_service_would_refuse_the_bank_is_refused() -> None:
    with pytest.raises(DemoError, match="Use --speed 60 or less"):
        AcceleratedGame(GAME, 61)


def test_all_recordings_can_be_played_at_speed_60() -> None:
    assert all(AcceleratedGame(game, 60).moves for game in load_games())
