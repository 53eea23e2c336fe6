"""A session is kept past anything that can still happen to it."""

from itertools import islice

import pytest
from hypothesis import given

from shared.domain.commands import NewGroup
from shared.domain.session import Session, SyncMode
from shared.domain.settlement import settle
from shared.domain.timekeeping import deadline, next_wakeup, retention
from shared.domain.units import DAY, HOUR, Instant
from tests.fuzz.extent import extent
from tests.unit.domain.random_games import Game, games, moments
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


@pytest.mark.parametrize("session", LONG + ENDLESS)
def test_it_is_kept_at_most_a_day_longer_than_its_clocks_run_on(session: Session) -> None:
    started = play(session).start().session
    assert retention(started) <= runs_on_for(started) + DAY


@pytest.mark.parametrize("kind", ["notify", "end_session"])
@pytest.mark.parametrize("many", [2, 1_000])
def test_banks_that_nothing_sets_going_are_not_added_up(kind: str, many: int) -> None:
    seats = [seat(str(n), DAY, group=str(n)) for n in range(many)]
    for mode in (SyncMode.PER_PARTICIPANT, SyncMode.PER_GROUP):
        session = open_session(mode, *seats, action_on_timeout=on_timeout(kind))
        assert retention(play(session).start().session) == 2 * DAY
        assert retention(session) == 2 * DAY


def test_a_bank_and_its_group_are_not_counted_twice() -> None:
    session = open_session(SyncMode.PER_GROUP, seat(ANNA, DAY, group=RED), action_on_timeout=SKIP)
    assert retention(play(session).start().session) == 2 * DAY


def test_a_session_outlives_its_next_change_by_a_day_in_which_no_worker_runs() -> None:
    """However long the change was due, the commit that makes it renews the time."""
    session = play(poker(DAY, auto_advance=True)).start().session
    assert (deadline(session) or 0) + DAY <= retention(session)


@extent(short=60, full=3_000)
@given(games())
def test_at_every_moment_it_is_kept_as_long_as_it_runs_on_and_a_day(game: Game) -> None:
    for moment in moments(game):
        session, now = moment.after, moment.now
        if session.status.is_terminal:
            assert retention(session) == DAY
            continue
        forgotten_at = session.updated_at + retention(session)
        wakes_at = next_wakeup(session)
        assert wakes_at is None or forgotten_at > wakes_at + HOUR
        assert forgotten_at <= now + runs_on_for(session) + 7 * DAY
        if session.cycle_started_at is not None:
            assert retention(session) == runs_on_for(session) + DAY


_MANY = 200
"""More steps than any session has that comes to an end."""


def runs_on_for(session: Session) -> int:
    """How long something still happens without a command, ms; in an endless one the next cycle.

    Found out by letting it happen. A session that stands still is set going first.
    """
    since = session.cycle_started_at
    if since is None:
        return retention(session) - DAY
    steps = list(islice(settle(session, Instant(since + 10_000 * DAY)), _MANY))
    falls = [step.occurred_at for step in steps if step.session.version > session.version]
    if not falls:
        return 0
    return (falls[0] if len(steps) == _MANY else falls[-1]) - since
