"""Retention: a session is kept longer than it can still change without a command."""

from itertools import islice

import pytest
from hypothesis import given

from shared.domain.commands import NewGroup, UpdateParticipant
from shared.domain.session import Session, SyncMode
from shared.domain.settlement import settle
from shared.domain.timekeeping import deadline, next_wakeup, retention_ms
from shared.domain.units import DAY, HOUR, Instant
from tests.fuzz.extent import extent
from tests.unit.domain.random_games import RandomSession, random_sessions, run_commands
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
_TEAMS = teams(DAY, RED, BLUE, action_on_timeout=SKIP)
FINITE = [
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


@pytest.mark.parametrize("session", FINITE)
def test_a_session_without_commands_is_kept_an_hour_past_its_last_deadline(
    session: Session,
) -> None:
    started = play(session).start().session
    expired_at = play(started).until(10 * DAY).expired_at
    assert retention_ms(started) >= expired_at[-1][0] + HOUR


@pytest.mark.parametrize("session", ENDLESS)
def test_an_endless_session_is_kept_an_hour_past_its_next_deadline(session: Session) -> None:
    started = play(session).start().session
    assert retention_ms(started) >= (deadline(started) or 0) + HOUR


@pytest.mark.parametrize("session", FINITE + ENDLESS)
def test_a_pause_does_not_shorten_the_retention(session: Session) -> None:
    paused = play(session).start().pause(at=1)
    due = paused.resume(at=1).deadline
    assert due is not None
    assert retention_ms(paused.session) >= due - 1 + HOUR


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
def test_every_session_is_kept_for_at_least_a_day(session: Session) -> None:
    assert retention_ms(session) >= DAY


def test_an_ended_session_is_kept_for_a_day() -> None:
    assert retention_ms(play(chess(DAY)).start().cancel(at=1).session) == DAY


def test_the_retention_covers_an_adjusted_clock() -> None:
    game = play(poker(1_000)).adjust(BEN, DAY, at=0).start().switch(at=500)
    assert game.deadline == 500 + DAY
    assert retention_ms(game.session) >= DAY + HOUR


@pytest.mark.parametrize("session", FINITE + ENDLESS)
def test_a_session_is_kept_at_most_a_day_longer_than_its_clocks_run(session: Session) -> None:
    started = play(session).start().session
    assert retention_ms(started) <= runs_for(started) + DAY


@pytest.mark.parametrize("kind", ["notify", "end_session"])
@pytest.mark.parametrize("many", [2, 1_000])
def test_banks_that_do_not_start_automatically_are_not_added_up(kind: str, many: int) -> None:
    seats = [seat(str(n), DAY, group=str(n)) for n in range(many)]
    for mode in (SyncMode.PER_PARTICIPANT, SyncMode.PER_GROUP):
        session = open_session(mode, *seats, action_on_timeout=on_timeout(kind))
        assert retention_ms(play(session).start().session) == 2 * DAY
        assert retention_ms(session) == 2 * DAY


def test_a_bank_and_its_group_are_not_counted_twice() -> None:
    session = open_session(SyncMode.PER_GROUP, seat(ANNA, DAY, group=RED), action_on_timeout=SKIP)
    assert retention_ms(play(session).start().session) == 2 * DAY


@pytest.mark.parametrize("session", [chess(DAY, DAY, action_on_timeout=SKIP), _TEAMS])
def test_the_time_of_a_retired_participant_does_not_count_unless_it_runs(session: Session) -> None:
    for retired, kept_ms in ((BEN, 2 * DAY), (ANNA, 3 * DAY)):
        game = play(session).start().do(UpdateParticipant(retired, is_retired=True), at=0)
        assert retention_ms(game.session) == kept_ms


def test_a_session_is_kept_a_day_past_its_next_change_even_without_a_worker() -> None:
    """The commit of a late change renews the retention."""
    session = play(poker(DAY, auto_advance=True)).start().session
    assert (deadline(session) or 0) + DAY <= retention_ms(session)


@extent(short=30, full=3_000)
@given(random_sessions())
def test_a_random_session_is_kept_a_day_longer_than_it_runs(generated: RandomSession) -> None:
    for run in run_commands(generated):
        session, now = run.after, run.now
        if session.status.is_terminal:
            assert retention_ms(session) == DAY
            continue
        deleted_at = session.updated_at + retention_ms(session)
        wakes_at = next_wakeup(session)
        assert wakes_at is None or deleted_at > wakes_at + HOUR
        assert deleted_at <= now + runs_for(session) + 7 * DAY
        if session.cycle_started_at is not None:
            assert retention_ms(session) == runs_for(session) + DAY


_MAX_FINITE_STEPS = 200
"""More steps than any finite session has."""


def runs_for(session: Session) -> int:
    """Time until the last change without a command, ms; until the next one in an endless session.

    Measured by settling a running session. For any other one, derived from its retention.
    """
    since = session.cycle_started_at
    if since is None:
        return retention_ms(session) - DAY
    steps = list(islice(settle(session, Instant(since + 10_000 * DAY)), _MAX_FINITE_STEPS))
    changed_at = [step.occurred_at for step in steps if step.session.version > session.version]
    if not changed_at:
        return 0
    return (changed_at[0] if len(steps) == _MAX_FINITE_STEPS else changed_at[-1]) - since
