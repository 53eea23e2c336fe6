"""A session is kept past anything that can still happen to it."""

import pytest

from shared.domain.commands import NewGroup
from shared.domain.session import Session, SyncMode
from shared.domain.timekeeping import deadline, retention
from shared.domain.units import DAY, HOUR
from tests.unit.domain.scenarios import (
    ANNA,
    BEN,
    BLUE,
    RED,
    chess,
    exam,
    on_timeout,
    open_session,
    play,
    poker,
    race,
    seat,
    teams,
)

SKIP = on_timeout("skip_cycle")
LONG = [
    pytest.param(chess(DAY, action_on_timeout=SKIP), id="per_participant"),
    pytest.param(chess(DAY - HOUR, 1_000, action_on_timeout=SKIP), id="per_participant_by_an_hour"),
    pytest.param(teams(DAY, RED, BLUE, RED, action_on_timeout=SKIP), id="per_group"),
    pytest.param(
        open_session(
            SyncMode.PER_GROUP,
            seat(ANNA, group=RED),
            seat(BEN, group=BLUE),
            groups=(NewGroup(RED, DAY), NewGroup(BLUE, DAY)),
            action_on_timeout=SKIP,
        ),
        id="per_group_pools",
    ),
    pytest.param(exam(total=DAY), id="global"),
    pytest.param(exam(total=DAY, cycle=DAY - 1), id="global_both"),
    pytest.param(race(DAY), id="count_up"),
]
ENDLESS = [
    pytest.param(poker(DAY, auto_advance=True), id="per_cycle"),
    pytest.param(
        open_session(SyncMode.PER_CYCLE, seat(ANNA, DAY), seat(BEN, DAY), auto_advance=True),
        id="per_cycle_own_lengths",
    ),
    pytest.param(exam(cycle=DAY, auto_advance=True), id="global_cycle"),
]


@pytest.mark.parametrize("session", LONG)
def test_an_untouched_session_outlives_its_last_deadline_by_an_hour(session: Session) -> None:
    started = play(session).start().session
    falls = play(started).until(10 * DAY).fallen
    assert retention(started) >= falls[-1][0] + HOUR


@pytest.mark.parametrize("session", ENDLESS)
def test_a_session_without_end_outlives_its_next_deadline_by_an_hour(session: Session) -> None:
    started = play(session).start().session
    assert retention(started) >= (deadline(started) or 0) + HOUR


@pytest.mark.parametrize("session", LONG + ENDLESS)
def test_a_pause_shortens_nothing(session: Session) -> None:
    paused = play(session).start().pause(at=1)
    due = paused.resume(at=1).deadline
    assert due is not None
    assert retention(paused.session) >= due - 1 + HOUR


@pytest.mark.parametrize(
    "session",
    [
        pytest.param(chess(1_000), id="pending"),
        pytest.param(play(chess(1_000)).start().session, id="running"),
        pytest.param(play(chess(1_000)).start().pause(at=1).session, id="paused"),
        pytest.param(play(chess(1_000)).start().until(1_000).session, id="at_zero"),
        pytest.param(play(chess(1_000)).cancel(at=1).session, id="cancelled"),
        pytest.param(play(race()).start().session, id="no_clock"),
    ],
)
def test_the_shortest_of_sessions_is_kept_for_a_day(session: Session) -> None:
    assert retention(session) >= DAY


def test_what_has_ended_is_kept_for_a_day_whatever_its_clocks_showed() -> None:
    assert retention(play(chess(DAY)).start().cancel(at=1).session) == DAY


def test_an_adjusted_clock_is_outlived_too() -> None:
    game = play(poker(1_000)).adjust(BEN, DAY, at=0).start().switch(at=500)
    assert game.deadline == 500 + DAY
    assert retention(game.session) >= DAY + HOUR
