"""Warnings: each comes when the running clock reaches a threshold."""

from typing import Any

import pytest

from shared.domain.clocks import ClockOwner
from shared.domain.events import TimeWarning
from shared.domain.session import Session, Status
from shared.domain.timekeeping import next_wakeup
from tests.unit.domain.scenarios import (
    ANNA,
    BEN,
    BLUE,
    CLEO,
    RED,
    chess,
    exam,
    play,
    poker,
    race,
    seat,
    teams,
)

WARN: dict[str, Any] = {"warn_at_ms": (5_000, 2_000)}


@pytest.mark.parametrize(
    ("session", "side"),
    [
        pytest.param(chess(9_000, **WARN), ClockOwner(participant_id=ANNA), id="per_participant"),
        pytest.param(poker(9_000, **WARN), ClockOwner(participant_id=ANNA), id="per_cycle"),
        pytest.param(teams(9_000, RED, BLUE, **WARN), ClockOwner(group_id=RED), id="per_group"),
        pytest.param(exam(total=9_000, **WARN), ClockOwner(), id="global"),
        pytest.param(
            exam(60_000, 9_000, **WARN), ClockOwner(participant_id=ANNA), id="global_cycle"
        ),
        pytest.param(race(9_000, **WARN), ClockOwner(), id="count_up"),
    ],
)
def test_each_threshold_warns_at_its_instant_with_its_side(
    session: Session, side: ClockOwner
) -> None:
    game = play(session).start(at=100).until(8_000)
    assert game.warned_at == [(4_100, 5_000), (7_100, 2_000)]
    assert {step.side for step in game.steps if isinstance(step, TimeWarning)} == {side}


def test_a_warning_comes_at_its_instant_and_not_a_millisecond_before() -> None:
    game = play(chess(9_000, **WARN)).start()
    assert (game.until(3_999).warned_at, game.until(4_000).warned_at) == ([], [(4_000, 5_000)])


@pytest.mark.parametrize("thresholds", [(5_000, 2_000), (2_000, 5_000), (2_000, 5_000, 2_000)])
def test_each_threshold_warns_once_from_the_highest_down(
    thresholds: tuple[int, ...],
) -> None:
    game = play(chess(9_000, warn_at_ms=thresholds)).start().until(4_500).until(8_000).until(8_500)
    assert game.warned_at == [(4_000, 5_000), (7_000, 2_000)]


@pytest.mark.parametrize("bank", [5_000, 3_000])
def test_a_clock_that_begins_at_or_below_a_threshold_does_not_warn(bank: int) -> None:
    assert play(chess(bank, **WARN)).start().until(bank).warned_at == [(bank - 2_000, 2_000)]


def test_a_warning_does_not_change_the_session() -> None:
    game = play(chess(9_000, **WARN)).start()
    warned = game.until(8_000)
    assert warned.session.version == game.session.version
    assert warned.session.updated_at == game.session.updated_at
    assert warned.clock(ANNA, at=8_500) == 500


def test_warnings_come_before_their_flag_fall() -> None:
    game = play(chess(9_000, **WARN)).start().until(60_000)
    assert [step.occurred_at for step in game.steps[1:]] == [4_000, 7_000, 9_000]
    assert game.steps[-1] is game.expiries[0]


def test_missed_cycles_have_their_warnings_in_the_order_of_time() -> None:
    game = play(poker(6_000, auto_advance=True, **WARN)).start().until(11_000)
    assert game.warned_at == [(1_000, 5_000), (4_000, 2_000), (7_000, 5_000), (10_000, 2_000)]
    assert game.expired_at == [(6_000, ANNA)]


def test_a_new_cycle_warns_again() -> None:
    game = play(poker(6_000, **WARN)).start().switch(at=3_000).until(4_500)
    assert game.warned_at == [(1_000, 5_000), (4_000, 5_000)]


def test_a_bank_already_below_a_threshold_does_not_warn_again() -> None:
    game = play(chess(9_000, **WARN)).start().switch(at=5_000).switch(at=6_000).until(8_500)
    assert game.warned_at == [(4_000, 5_000), (8_000, 2_000)]


@pytest.mark.parametrize(("paused_at", "due"), [(3_999, 60_001), (4_000, 4_000), (4_001, 4_000)])
def test_a_pause_neither_repeats_nor_loses_a_warning(paused_at: int, due: int) -> None:
    game = play(chess(9_000, warn_at_ms=(5_000,))).start().pause(at=paused_at)
    assert game.resume(at=60_000).until(64_000).warned_at == [(due, 5_000)]


def test_no_warning_comes_while_paused() -> None:
    assert play(chess(9_000, **WARN)).start().pause(at=3_000).until(10**9).warned_at == []


def test_a_newcomer_neither_repeats_nor_loses_a_warning() -> None:
    game = play(chess(9_000, **WARN)).start().join(seat(CLEO, 9_000), at=4_000)
    assert game.until(8_000).warned_at == [(4_000, 5_000), (7_000, 2_000)]


def test_a_clock_raised_above_a_threshold_warns_again() -> None:
    game = play(chess(9_000, **WARN)).start().adjust(ANNA, 6_000, at=4_500).until(6_000)
    assert game.warned_at == [(4_000, 5_000), (5_500, 5_000)]


def test_warnings_after_an_increment_follow_the_new_value() -> None:
    game = play(chess(9_000, increment=3_000, warn_at_ms=(5_000,))).start()
    game = game.switch(at=4_500).switch(at=5_000).until(7_600)
    assert (game.active, game.warned_at) == (ANNA, [(4_000, 5_000), (7_500, 5_000)])


def test_the_next_wakeup_is_the_next_warning_or_the_deadline() -> None:
    game = play(chess(9_000, **WARN)).start()
    assert [next_wakeup(game.until(at).session) for at in (0, 4_000, 7_000)] == [
        4_000,
        7_000,
        9_000,
    ]


@pytest.mark.parametrize(
    "session",
    [
        pytest.param(chess(9_000, **WARN), id="pending"),
        pytest.param(play(chess(9_000, **WARN)).start().pause(at=1).session, id="paused"),
        pytest.param(play(chess(9_000, **WARN)).start().until(9_000).session, id="at_zero"),
        pytest.param(play(race(**WARN)).start().session, id="no_ceiling"),
        pytest.param(play(chess(9_000, **WARN)).start().cancel(at=1).session, id="cancelled"),
    ],
)
def test_a_session_without_a_running_clock_has_no_wakeup(session: Session) -> None:
    assert next_wakeup(session) is None


def test_a_session_without_thresholds_never_warns() -> None:
    game = play(chess(9_000)).start().until(60_000)
    assert (game.warned_at, game.status, game.active) == ([], Status.RUNNING, ANNA)
    assert game.switch(at=61_000).active == BEN


@pytest.mark.parametrize(
    ("total", "cycle", "thresholds", "warned"),
    [
        (60_000, 10_000, (30_000,), [(30_000, 30_000)]),
        (12_000, 10_000, (5_000,), [(5_000, 5_000), (7_000, 5_000)]),
        (60_000, 35_000, (30_000, 5_000), [(5_000, 30_000), (30_000, 5_000), (30_000, 30_000)]),
        (10_000, 10_000, (5_000,), [(5_000, 5_000), (5_000, 5_000)]),
    ],
    ids=["session_clock_only", "both_clocks", "both_at_once", "both_equal"],
)
def test_in_global_each_clock_warns_on_its_own(
    total: int, cycle: int, thresholds: tuple[int, ...], warned: list[tuple[int, int]]
) -> None:
    game = play(exam(total, cycle, warn_at_ms=thresholds)).start().until(34_000)
    assert game.warned_at == warned


def test_a_warning_names_the_side_of_its_clock() -> None:
    game = play(exam(12_000, 10_000, warn_at_ms=(5_000,))).start().until(9_000)
    assert [step.side for step in game.steps if isinstance(step, TimeWarning)] == [
        ClockOwner(ANNA),
        ClockOwner(),
    ]
