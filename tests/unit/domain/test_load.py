"""The load of a session that advances automatically, and its upper bound."""

import pytest
from hypothesis import given

from shared.domain.automatic_load import UNIT, automatic_load, check_load_limit, current_load
from shared.domain.commands import NewGroup
from shared.domain.errors import RuleViolation
from shared.domain.events import SessionChange
from shared.domain.session import Session, SyncMode
from shared.domain.settlement import settle
from shared.domain.units import DAY, Instant, Millis
from tests.fuzz.extent import extent
from tests.unit.domain.random_games import RandomSession, random_sessions, run_commands
from tests.unit.domain.scenarios import (
    ANNA,
    BEN,
    RED,
    chess,
    exam,
    fields_of,
    on_timeout,
    open_session,
    play,
    poker,
    race,
    seat,
    teams,
)

SKIP = on_timeout("skip_cycle")
_MIN_SIZE = 8


def crowd(players: int, cycle: int, **options: object) -> Session:
    """`per_cycle` with `players` participants, advancing automatically."""
    seats = [seat(str(n)) for n in range(players)]
    return open_session(
        SyncMode.PER_CYCLE, *seats, time_per_cycle_ms=Millis(cycle), auto_advance=True, **options
    )


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        (crowd(1_000, 1_000), 1_000 * UNIT),
        (crowd(1_000, 10_000), 100 * UNIT),
        (crowd(3, 1_000), _MIN_SIZE * UNIT),
        (crowd(100, 2_000, warn_at_ms=(Millis(500), Millis(1_000))), 150 * UNIT),
        (crowd(100, 2_000, warn_at_ms=(Millis(2_000), Millis(9_000))), 50 * UNIT),
        (exam(cycle=2_000, auto_advance=True), _MIN_SIZE * UNIT // 2),
        (exam(total=60_000, cycle=2_000, action_on_timeout=SKIP), _MIN_SIZE * UNIT // 2),
        (chess(1_000, 3_000, action_on_timeout=SKIP), _MIN_SIZE * UNIT // 2),
        (teams(2_000, RED, RED, action_on_timeout=SKIP), _MIN_SIZE * UNIT // 4),
    ],
)
def test_the_load_is_participants_times_changes_per_second(session: Session, expected: int) -> None:
    assert automatic_load(session) == expected
    assert automatic_load(play(session).start().session) == expected


def test_different_cycle_lengths_are_averaged() -> None:
    session = open_session(
        SyncMode.PER_CYCLE, seat(ANNA, 1_000), seat(BEN, 3_000), auto_advance=True
    )
    assert automatic_load(session) == _MIN_SIZE * UNIT // 2


def test_a_longer_next_cycle_does_not_lower_the_load() -> None:
    session = open_session(
        SyncMode.PER_CYCLE, seat(ANNA, 1_000), seat(BEN, 1_000), auto_advance=True
    )
    started = play(session).start()
    assert automatic_load(started.give(BEN, add=DAY, at=0).session) == automatic_load(session)
    assert automatic_load(started.give(BEN, add=-500, at=0).session) > automatic_load(session)


def test_a_group_bank_counts_once_for_all_its_members() -> None:
    session = open_session(
        SyncMode.PER_GROUP,
        *(seat(str(n), group=RED) for n in range(100)),
        groups=(NewGroup(RED, Millis(10_000)),),
        action_on_timeout=SKIP,
    )
    assert automatic_load(session) == 10 * UNIT


@pytest.mark.parametrize(
    "session",
    [
        poker(1_000),
        poker(1_000, auto_advance=True, action_on_timeout=on_timeout("end_session")),
        exam(total=1_000, auto_advance=True),
        race(1_000, auto_advance=True),
        chess(1_000),
    ],
)
def test_a_session_that_does_not_advance_automatically_has_no_load(session: Session) -> None:
    assert automatic_load(session) == 0


def test_only_a_running_session_has_a_present_load() -> None:
    game = play(crowd(10, 1_000))
    assert current_load(game.session) == 0
    assert current_load(game.start().session) == 10 * UNIT
    assert current_load(game.start().pause(at=1).session) == 0
    assert automatic_load(game.start().pause(at=1).session) == 10 * UNIT
    assert automatic_load(game.start().cancel(at=1).session) == 0


def test_a_load_above_the_bound_is_refused_with_field_code_and_number() -> None:
    check_load_limit(crowd(200, 1_000), "time_per_cycle_ms", 200)
    with pytest.raises(RuleViolation) as caught:
        check_load_limit(crowd(201, 1_000), "time_per_cycle_ms", 200)
    assert fields_of(caught.value) == [("time_per_cycle_ms", "too_busy")]
    assert "cannot exceed 200, and would be 201" in caught.value.violations[0].message


@extent(short=30, full=2_000)
@given(random_sessions())
def test_no_endless_session_changes_more_often_than_its_load_predicts(
    generated: RandomSession,
) -> None:
    for run in run_commands(generated):
        session = run.after
        if session.cycle_started_at is None or session.sync_mode is SyncMode.PER_PARTICIPANT:
            continue
        span_s = 600
        steps = settle(session, Instant(session.cycle_started_at + span_s * 1_000))
        changes = sum(isinstance(step, SessionChange) for step in steps)
        size = max(_MIN_SIZE, len(session.participants))
        # One more change for the running cycle, one for the session clock, and two for each
        # participant: lengths may differ.
        slack = 2 + 2 * len(session.participants)
        assert changes - slack <= automatic_load(session) * span_s / UNIT / size
