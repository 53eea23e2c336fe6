"""`start_at` and `ends_at`: a session starts and ends at an instant, whoever notices when."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain import commands as c
from shared.domain.automatic_load import current_load
from shared.domain.clocks import ClockOwner, ClockScope, clocks_of
from shared.domain.errors import InvalidTransition, RuleViolation
from shared.domain.events import EventType, TimeWarning
from shared.domain.session import Session, Status, SyncMode
from shared.domain.timekeeping import at_time, deadline, next_wakeup, retention_ms
from shared.domain.undo import UndoMode
from shared.domain.units import Instant, Millis
from tests.fuzz.extent import extent
from tests.unit.domain.history_checks import (
    after_last_command,
    check_json,
    check_settling_in_steps,
    check_versions,
)
from tests.unit.domain.random_games import RandomSession, run_commands, scheduled_sessions
from tests.unit.domain.scenarios import (
    ANNA,
    BEN,
    CLEO,
    MODES_WITH_TURNS,
    RED,
    Play,
    agenda,
    candidate,
    chess,
    exam,
    fields_of,
    item,
    on_timeout,
    open_session,
    play,
    poker,
    race,
    seat,
    sitting,
    teams,
)

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
LATER = 10 * MINUTE

OF_EACH_MODE = [
    pytest.param(chess(5_000, start_at=LATER), id="per_participant"),
    pytest.param(poker(5_000, start_at=LATER), id="per_cycle"),
    pytest.param(teams(5_000, RED, start_at=LATER), id="per_group"),
    pytest.param(exam(5_000, start_at=LATER), id="global"),
    pytest.param(race(5_000, start_at=LATER), id="count_up"),
]


def left(position: Play, at: int) -> int | None:
    """The session's clock at `at`, as a read shows it."""
    return at_time(position.until(at).session, Instant(at)).session_left_ms


def reschedule(position: Play, at: int, **changes: Any) -> Play:
    return position.do(c.UpdateSession(**changes), at)


# start_at


@pytest.mark.parametrize(
    "session",
    [
        *OF_EACH_MODE,
        pytest.param(sitting(total=5_000, start_at=Instant(LATER)), id="individual"),
        pytest.param(agenda(item("talk", 5_000), start_at=Instant(LATER)), id="programme"),
    ],
)
def test_a_session_has_started_at_its_start_whoever_notices_when(session: Session) -> None:
    assert play(session).until(LATER - 1).status is Status.PENDING
    late = play(session).until(LATER + 2_000)
    (change,) = late.steps
    assert (late.last_change.type, change.occurred_at) == (EventType.SESSION_STARTED, LATER)
    assert late.last_change.is_automatic
    assert late.session == play(session).until(LATER).session
    assert (late.session.version, late.status) == (2, Status.RUNNING)
    assert late.session.session_started_at == late.session.cycle_started_at == LATER
    assert late.deadline == LATER + 5_000


@pytest.mark.parametrize("session", OF_EACH_MODE)
def test_a_start_by_itself_equals_a_start_by_command(session: Session) -> None:
    by_itself, by_command = play(session).until(LATER), play(session).start(LATER - 1)
    assert by_command.session.session_started_at == LATER - 1
    assert by_command.last_change.side == by_itself.last_change.side
    assert by_command.last_change.time_remaining_ms == by_itself.last_change.time_remaining_ms
    assert by_command.session.participants == by_itself.session.participants


def test_a_flag_may_have_fallen_before_anybody_notices_the_start() -> None:
    late = play(exam(5_000, start_at=LATER)).until(LATER + HOUR)
    assert (late.status, late.expired_at) == (Status.EXPIRED, [(LATER + 5_000, None)])


def test_the_start_is_the_next_wakeup_of_a_pending_session_only() -> None:
    assert next_wakeup(exam(5_000, start_at=LATER)) == LATER
    assert next_wakeup(play(exam(9_000, start_at=LATER)).start(5).session) == 9_005


def test_a_session_can_be_started_before_its_start() -> None:
    early = play(exam(HOUR, start_at=LATER)).start(5_000)
    assert (early.session.session_started_at, early.deadline) == (5_000, 5_000 + HOUR)
    assert early.until(LATER).steps == early.steps


def test_a_start_that_comes_after_the_start_is_refused() -> None:
    with pytest.raises(InvalidTransition, match="running"):
        play(exam(HOUR, start_at=LATER)).start(LATER)


@pytest.mark.parametrize("command", [c.Cancel(), c.Complete()])
def test_a_session_that_has_ended_does_not_start(command: c.Command) -> None:
    ended = play(exam(HOUR, start_at=LATER)).do(command, at=5)
    assert ended.until(LATER).status.is_terminal
    assert next_wakeup(ended.session) is None


def test_a_pending_session_can_start_at_another_instant_or_only_by_command() -> None:
    pending = play(exam(HOUR, start_at=LATER))
    later = reschedule(pending, 5, start_at=Instant(2 * LATER))
    assert later.last_change.metadata == {"fields": ["start_at"]}
    assert later.until(HOUR).session.session_started_at == 2 * LATER
    never = reschedule(pending, 5, removes_start_at=True)
    assert never.until(HOUR).status is Status.PENDING
    assert never.last_change.metadata == {"fields": ["start_at"]}


def test_the_start_cannot_change_once_the_session_has_started() -> None:
    for change in ({"start_at": Instant(HOUR)}, {"removes_start_at": True}):
        with pytest.raises(InvalidTransition, match="has started"):
            reschedule(play(exam(HOUR, start_at=LATER)), LATER, **change)


@pytest.mark.parametrize(
    ("ahead", "code"), [(999, "too_soon"), (-5, "too_soon"), (30 * DAY + 1, "too_late")]
)
@pytest.mark.parametrize("name", ["start_at", "ends_at"])
def test_an_instant_lies_between_a_second_and_30_days_ahead(
    name: str, ahead: int, code: str
) -> None:
    with pytest.raises(RuleViolation) as refusal:
        exam(HOUR, **{name: ahead})
    assert fields_of(refusal.value) == [(name, code)]
    with pytest.raises(RuleViolation) as refusal:
        reschedule(play(exam(HOUR)), 7, **{name: Instant(7 + ahead)})
    assert fields_of(refusal.value) == [(name, code)]


@pytest.mark.parametrize("ahead", [1_000, 30 * DAY])
def test_the_limits_of_an_instant_are_allowed(ahead: int) -> None:
    assert exam(start_at=None, ends_at=ahead).ends_at == ahead
    assert play(exam(HOUR, start_at=ahead)).until(ahead).status is Status.RUNNING


# Participants with clocks of their own


def test_all_who_begin_together_begin_at_the_start() -> None:
    late = play(sitting(total=5_000, start_at=Instant(LATER))).until(LATER + 2_000)
    assert [late.own(name).begun_at for name in (ANNA, BEN)] == [LATER, LATER]
    early = play(sitting(total=5_000, start_at=Instant(LATER))).start(7)
    assert [early.own(name).begun_at for name in (ANNA, BEN)] == [7, 7]


@pytest.mark.parametrize("closes_at", [LATER - 1, LATER])
def test_who_is_closed_before_the_start_or_at_it_does_not_begin(closes_at: int) -> None:
    seats = [candidate(ANNA, closes_at=Instant(closes_at)), candidate(BEN)]
    started = play(sitting(*seats, start_at=Instant(LATER))).until(HOUR)
    assert started.expired_at == [(closes_at, ANNA)]
    assert [started.own(name).begun_at for name in (ANNA, BEN)] == [None, LATER]


def test_a_session_whose_participants_are_all_closed_does_not_start() -> None:
    seats = [candidate(ANNA, closes_at=Instant(LATER - 1))]
    ended = play(sitting(*seats, start_at=Instant(LATER))).until(HOUR)
    assert (ended.status, ended.session.session_started_at) == (Status.EXPIRED, None)


def test_a_limit_must_fit_between_the_start_and_the_close() -> None:
    close = {"closes_at": Instant(HOUR)}
    assert sitting(total=HOUR - LATER, start_at=Instant(LATER), **close)
    with pytest.raises(RuleViolation) as refusal:
        sitting(candidate(ANNA), total=HOUR - LATER + 1, start_at=Instant(LATER), **close)
    assert fields_of(refusal.value) == [("participants.0.closes_at", "cut")]
    pending = play(sitting(total=HOUR - LATER, start_at=Instant(LATER), **close))
    with pytest.raises(RuleViolation) as refusal:
        pending.join(candidate(CLEO, extra_ms=Millis(1)), at=5)
    assert fields_of(refusal.value) == [("closes_at", "cut")]


def test_a_session_closes_at_least_a_second_after_its_start() -> None:
    with pytest.raises(RuleViolation) as refusal:
        sitting(start_at=Instant(LATER), closes_at=Instant(LATER + 999))
    assert fields_of(refusal.value) == [("closes_at", "too_soon")]
    pending = play(sitting(start_at=Instant(LATER), closes_at=Instant(LATER + 1_000)))
    with pytest.raises(RuleViolation) as refusal:
        reschedule(pending, 5, start_at=Instant(LATER + 1))
    assert fields_of(refusal.value) == [("closes_at", "too_soon")]


# Warnings before the start


def test_warnings_come_before_the_start_where_they_are_asked_for() -> None:
    session = exam(HOUR, start_at=LATER, warn_before_start_ms=(MINUTE, 5_000))
    position = play(session).until(LATER)
    assert position.warned_at == [(LATER - MINUTE, MINUTE), (LATER - 5_000, 5_000)]
    assert [s.is_before_start for s in position.steps if isinstance(s, TimeWarning)] == [True] * 2
    assert [s.side for s in position.steps if isinstance(s, TimeWarning)] == [ClockOwner()] * 2
    assert next_wakeup(session) == LATER - MINUTE


def test_a_threshold_that_was_above_the_time_to_the_start_is_not_warned_of() -> None:
    session = exam(HOUR, start_at=LATER, warn_before_start_ms=(HOUR, LATER, 5_000))
    assert play(session).until(LATER).warned_at == [(LATER - 5_000, 5_000)]


def test_a_start_that_moves_is_warned_of_again() -> None:
    position = play(exam(HOUR, start_at=LATER, warn_before_start_ms=(MINUTE,)))
    position = reschedule(position.until(LATER - 5), LATER - 5, start_at=Instant(2 * LATER))
    assert position.until(2 * LATER).warned_at == [
        (LATER - MINUTE, MINUTE),
        (2 * LATER - MINUTE, MINUTE),
    ]


# ends_at


def test_the_session_ends_at_its_end() -> None:
    position = play(exam(ends_at=HOUR)).start(7)
    assert (position.deadline, left(position, MINUTE)) == (HOUR, HOUR - MINUTE)
    ended = position.until(HOUR + 5)
    assert (ended.status, ended.expired_at) == (Status.EXPIRED, [(HOUR, None)])


@pytest.mark.parametrize(
    ("total", "started_at", "ends"),
    [(30 * MINUTE, 0, 30 * MINUTE), (HOUR, 1, HOUR), (HOUR, 20 * MINUTE, HOUR), (HOUR, 0, HOUR)],
)
def test_of_total_time_and_end_the_earlier_wins(total: int, started_at: int, ends: int) -> None:
    position = play(exam(total, ends_at=HOUR)).start(started_at)
    assert (position.deadline, position.until(DAY).expired_at) == (ends, [(ends, None)])


def test_a_pause_does_not_move_the_end() -> None:
    position = play(exam(ends_at=HOUR)).start().pause(at=10 * MINUTE)
    assert (position.deadline, left(position, 30 * MINUTE)) == (HOUR, 30 * MINUTE)
    resumed = position.resume(at=30 * MINUTE)
    assert (resumed.deadline, left(resumed, 31 * MINUTE)) == (HOUR, 29 * MINUTE)


def test_a_pause_uses_no_time_until_the_end_comes_nearer_than_the_time_left() -> None:
    position = play(exam(40 * MINUTE, ends_at=HOUR)).start().pause(at=10 * MINUTE)
    assert left(position, 30 * MINUTE) == 30 * MINUTE
    assert left(position, 35 * MINUTE) == 25 * MINUTE
    assert position.resume(at=20 * MINUTE).deadline == 50 * MINUTE
    assert position.resume(at=40 * MINUTE).deadline == HOUR


def test_a_paused_session_ends_at_its_end() -> None:
    position = play(exam(40 * MINUTE, 5 * MINUTE, ends_at=HOUR)).start().pause(at=1_000)
    assert next_wakeup(position.session) == HOUR
    ended = position.until(2 * HOUR)
    assert (ended.status, ended.expired_at) == (Status.EXPIRED, [(HOUR, None)])
    assert ended.session.session_completed_at == HOUR
    assert ended.session.used_ms == 1_000
    with pytest.raises(InvalidTransition, match="expired"):
        position.resume(at=HOUR)


def test_a_pause_moves_the_end_where_that_is_wanted() -> None:
    position = play(exam(ends_at=HOUR, moves_with_pause=True)).start().pause(at=10 * MINUTE)
    assert (position.deadline, left(position, 5 * HOUR)) == (None, 50 * MINUTE)
    assert next_wakeup(position.session) is None
    position = reschedule(position, HOUR, warn_at_ms=(Millis(MINUTE),)).resume(at=2 * HOUR)
    assert (position.session.ends_at, position.deadline) == (HOUR + 110 * MINUTE,) * 2
    again = position.pause(at=2 * HOUR + 1).resume(at=2 * HOUR + 6)
    assert again.deadline == HOUR + 110 * MINUTE + 5


def test_warnings_come_before_the_end_in_a_pause_too() -> None:
    thresholds = (20 * MINUTE, MINUTE, 5_000)
    position = play(exam(ends_at=HOUR, warn_at_ms=thresholds)).start().pause(at=45 * MINUTE)
    position = position.resume(at=HOUR - 30_000).until(HOUR)
    assert position.warned_at == [(HOUR - ms, ms) for ms in thresholds]


def test_a_threshold_that_is_new_in_a_pause_and_has_passed_is_not_warned_of() -> None:
    position = play(exam(ends_at=HOUR)).start().pause(at=MINUTE)
    changed = (Millis(20 * MINUTE), Millis(MINUTE))
    position = reschedule(position, 50 * MINUTE, warn_at_ms=changed)
    assert position.until(HOUR).warned_at == [(HOUR - MINUTE, MINUTE)]


def test_a_pending_session_has_the_time_that_its_start_leaves_until_its_end() -> None:
    position = play(exam(ends_at=HOUR, start_at=LATER))
    assert left(position, 0) == left(position, LATER - 1) == HOUR - LATER
    assert left(position, LATER + MINUTE) == HOUR - LATER - MINUTE
    assert left(play(exam(ends_at=HOUR)), MINUTE) == HOUR - MINUTE
    assert left(play(exam(50 * MINUTE, ends_at=HOUR)), MINUTE) == 50 * MINUTE
    assert position.start(5).deadline == HOUR


@pytest.mark.parametrize("command", [c.Complete(), c.Cancel()])
def test_a_pending_session_that_ends_shows_the_time_until_its_end(command: c.Command) -> None:
    ended = play(exam(ends_at=HOUR)).do(command, MINUTE)
    state = ended.shown(2 * MINUTE)
    assert state.session_clock is not None
    assert (state.session_clock.left_ms, state.session_clock.rate) == (59 * MINUTE, 0)
    assert ended.session.session_left_ms == 59 * MINUTE


def test_a_session_cannot_be_started_after_its_end() -> None:
    with pytest.raises(InvalidTransition, match="after its ends_at"):
        play(exam(ends_at=HOUR)).start(HOUR)
    assert play(exam(ends_at=HOUR)).until(DAY).status is Status.PENDING


def test_the_end_of_a_pending_session_can_move() -> None:
    position = reschedule(play(exam(HOUR)), 5, ends_at=Instant(MINUTE))
    assert position.start(5).deadline == MINUTE
    position = reschedule(play(exam(cycle=MINUTE)), 5, ends_at=Instant(HOUR))
    assert left(position.start(6), 6) == HOUR - 6
    with pytest.raises(InvalidTransition, match="has started"):
        reschedule(play(exam(HOUR)).start(), 5, ends_at=Instant(MINUTE))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"start_at": HOUR, "ends_at": HOUR + 999}, [("ends_at", "too_soon")]),
        ({"ends_at": None}, [("total_time_ms", "missing")]),
        ({"total": HOUR, "moves_with_pause": True}, [("moves_with_pause", "not_allowed")]),
    ],
)
def test_instants_must_fit_each_other(options: dict[str, Any], expected: list[Any]) -> None:
    with pytest.raises(RuleViolation) as refusal:
        exam(**options)
    assert fields_of(refusal.value) == expected


@pytest.mark.parametrize("mode", [m for m in MODES_WITH_TURNS if m is not SyncMode.GLOBAL])
def test_only_global_has_an_end(mode: SyncMode) -> None:
    with pytest.raises(RuleViolation) as refusal:
        open_session(mode, seat(ANNA, 5_000), ends_at=HOUR)
    assert fields_of(refusal.value) == [("ends_at", "not_allowed")]


def test_individual_has_a_closing_time_instead_of_an_end() -> None:
    with pytest.raises(RuleViolation) as refusal:
        sitting(ends_at=Instant(HOUR))
    (violation,) = refusal.value.violations
    assert (violation.field, violation.message) == (
        "ends_at",
        "is for global only: give closes_at",
    )


def test_neither_a_programme_nor_an_overrun_has_an_end() -> None:
    for pending in (agenda(item("talk", 5_000)), exam(HOUR, overtime=True)):
        with pytest.raises(RuleViolation) as refusal:
            reschedule(play(pending), 5, ends_at=Instant(HOUR))
        assert fields_of(refusal.value) == [("ends_at", "not_allowed")]
    with pytest.raises(RuleViolation) as refusal:
        agenda(item("talk", 5_000), ends_at=Instant(HOUR))
    assert fields_of(refusal.value) == [("ends_at", "not_allowed")]


def test_a_cycles_clock_runs_beside_the_end() -> None:
    position = play(exam(cycle=5_000, ends_at=12_000, action_on_timeout=on_timeout("skip_cycle")))
    position = position.start().until(20_000)
    assert [at for at, _ in position.expired_at] == [5_000, 10_000, 12_000]
    assert position.status is Status.EXPIRED


def test_a_pause_stops_the_cycles_clock_only() -> None:
    position = play(exam(cycle=50_000, ends_at=60_000)).start().pause(at=10_000)
    shown = at_time(position.session, Instant(30_000))
    assert (shown.cycle_left_ms, shown.session_left_ms) == (40_000, 30_000)
    assert clocks_of(shown).left(shown) == 30_000


# Corrections


def give(position: Play, at: int, *, scope: ClockScope = ClockScope.SESSION, **amount: int) -> Play:
    return position.do(c.AdjustClocks(c.ClockTarget(scope), **amount), at)  # type: ignore[arg-type]


@pytest.mark.parametrize("add", [5 * MINUTE, -5 * MINUTE])
def test_time_that_is_given_moves_the_end_that_the_clock_runs_toward(add: int) -> None:
    running = play(exam(ends_at=HOUR)).start()
    for position in (running, running.pause(at=MINUTE)):
        given_time = give(position, 2 * MINUTE, add_ms=add)
        assert (given_time.deadline, given_time.session.ends_at) == (HOUR + add,) * 2
        assert left(given_time, 2 * MINUTE) == 58 * MINUTE + add
        assert (given_time.last_change.metadata or {})["ends_at_ms"] == HOUR + add


def test_time_that_is_given_moves_an_end_that_would_cut_it() -> None:
    running = play(exam(50 * MINUTE, ends_at=HOUR)).start()
    little = give(running, MINUTE, add_ms=5 * MINUTE)
    assert (little.deadline, little.session.ends_at) == (55 * MINUTE, HOUR)
    much = give(running, MINUTE, add_ms=15 * MINUTE)
    assert (much.deadline, much.session.ends_at) == (65 * MINUTE,) * 2
    less = give(running, MINUTE, add_ms=-5 * MINUTE)
    assert (less.deadline, less.session.ends_at) == (45 * MINUTE, HOUR)


def test_time_that_is_given_in_a_pause_that_moves_the_end_counts_once() -> None:
    position = play(exam(ends_at=HOUR, moves_with_pause=True)).start().pause(at=10 * MINUTE)
    position = give(position, 20 * MINUTE, add_ms=MINUTE)
    assert left(position, 30 * MINUTE) == 51 * MINUTE
    assert position.resume(at=30 * MINUTE).deadline == 81 * MINUTE


def test_time_is_given_before_the_start() -> None:
    position = give(play(exam(ends_at=HOUR, start_at=LATER)), 5, add_ms=MINUTE)
    assert (position.session.ends_at, position.until(LATER).deadline) == (HOUR + MINUTE,) * 2
    position = give(play(exam(ends_at=HOUR)), MINUTE, set_ms=MINUTE)
    assert position.session.ends_at == 2 * MINUTE


@pytest.mark.parametrize("total", [None, 3 * HOUR])
def test_an_end_that_moves_after_a_correction_counts_before_the_start(total: int | None) -> None:
    pending = play(exam(total, ends_at=HOUR))
    participants = pending.adjust(ANNA, 5 * MINUTE, at=MINUTE)
    for position in (give(pending, MINUTE, add_ms=MINUTE), participants):
        later = reschedule(position, 2 * MINUTE, ends_at=Instant(2 * HOUR))
        assert left(later, 3 * MINUTE) == 2 * HOUR - 3 * MINUTE
        assert later.start(3 * MINUTE).deadline == 2 * HOUR


def test_a_start_that_moves_after_a_correction_leaves_the_time_until_the_end() -> None:
    position = give(play(exam(ends_at=HOUR, start_at=LATER)), 5, add_ms=MINUTE)
    position = position.do(c.UpdateSession(removes_start_at=True), 10)
    assert position.start(MINUTE).deadline == HOUR + MINUTE


def test_a_total_time_longer_than_the_given_one_is_kept_before_the_start() -> None:
    position = give(play(exam(2 * HOUR, ends_at=HOUR)), 0, set_ms=30 * MINUTE)
    position = reschedule(position, 1, ends_at=Instant(10 * HOUR))
    assert position.start(1).deadline == 2 * HOUR + 1


def test_time_for_a_cycle_does_not_touch_the_end() -> None:
    pending = play(exam(cycle=5_000, ends_at=HOUR, start_at=LATER))
    position = give(pending, 5, scope=ClockScope.CYCLE, add_ms=MINUTE)
    assert (position.session.ends_at, position.start(6).session.session_left_ms) == (HOUR, HOUR - 6)


def test_a_participants_clock_is_the_sessions_too() -> None:
    position = play(exam(ends_at=HOUR)).start().adjust(BEN, 5 * MINUTE, at=MINUTE)
    assert (position.deadline, position.session.ends_at) == (6 * MINUTE,) * 2


def test_a_session_that_has_reached_its_end_can_be_reopened() -> None:
    ended = play(exam(ends_at=HOUR)).start().until(HOUR)
    again = ended.do(c.AdjustClocks(add_ms=Millis(MINUTE), reopen=True), 2 * HOUR)
    assert (again.status, again.deadline) == (Status.RUNNING, 2 * HOUR + MINUTE)
    assert again.session.ends_at == 2 * HOUR + MINUTE


@pytest.mark.parametrize("mode", UndoMode)
def test_an_undo_brings_no_time_back_that_the_end_would_cut(mode: UndoMode) -> None:
    position = play(exam(cycle=5 * MINUTE, ends_at=HOUR)).start().switch(at=MINUTE)
    undone = position.do(c.Undo(mode), at=3 * MINUTE)
    assert left(undone, 3 * MINUTE) == 57 * MINUTE
    assert undone.session.ends_at == HOUR
    used = {
        UndoMode.TURN_START: 0,
        UndoMode.BEFORE_SWITCH: MINUTE,
        UndoMode.AS_IF_NEVER: 3 * MINUTE,
    }
    assert at_time(undone.session, Instant(3 * MINUTE)).cycle_left_ms == 5 * MINUTE - used[mode]


def test_an_undo_that_keeps_a_pause_keeps_the_end() -> None:
    position = play(exam(cycle=5 * MINUTE, ends_at=HOUR)).start().switch(at=MINUTE)
    position = position.pause(at=2 * MINUTE).resume(at=12 * MINUTE)
    undone = position.do(c.Undo(UndoMode.AS_IF_NEVER), at=13 * MINUTE)
    assert (undone.session.ends_at, left(undone, 13 * MINUTE)) == (HOUR, 47 * MINUTE)


# Retention and load


def test_a_pending_session_is_kept_a_day_longer_than_it_will_run() -> None:
    in_20_days = 20 * DAY
    session = exam(HOUR, start_at=in_20_days)
    assert retention_ms(session) == in_20_days + HOUR + DAY
    moved = reschedule(play(session), DAY, start_at=Instant(25 * DAY)).session
    assert moved.updated_at + retention_ms(moved) == 25 * DAY + HOUR + DAY


def test_a_session_that_has_not_ended_is_kept_past_its_end() -> None:
    pending = exam(ends_at=10 * DAY)
    assert retention_ms(pending) == 11 * DAY
    running = play(pending).start(DAY)
    assert retention_ms(running.session) == 10 * DAY
    paused = running.pause(at=2 * DAY).session
    assert retention_ms(paused) == 9 * DAY


def test_a_session_that_will_start_counts_as_load() -> None:
    session = poker(1_000, auto_advance=True, start_at=HOUR)
    assert current_load(session) == current_load(play(session).until(HOUR).session) > 0
    assert current_load(reschedule(play(session), 5, removes_start_at=True).session) == 0


# Properties

spans = st.integers(0, 40_000)


@given(st.lists(spans, max_size=6), st.booleans())
def test_a_start_noticed_late_equals_a_start_noticed_at_once(
    gaps: list[int], has_end: bool
) -> None:
    """So does every later change, however often and when the session is looked at."""
    end = {"ends_at": 60_000} if has_end else {}
    session = exam(
        90_000, 4_000, start_at=30_000, auto_advance=True, warn_at_ms=(1_000, 20_000), **end
    )
    position, now = play(session), 0
    for gap in gaps:
        now += gap
        position = position.until(now)
    assert position.steps == play(session).until(now).steps


@given(st.lists(spans, max_size=6), st.integers(1_000, 100_000), st.integers(1_000, 100_000))
def test_a_session_ends_at_its_end_or_when_its_time_is_used_up(
    gaps: list[int], total: int, end: int
) -> None:
    """`gaps` are alternately times of running and of pauses."""
    position, now, used = play(exam(total, ends_at=end)).start(), 0, 0
    for number, gap in enumerate(gaps):
        is_running = number % 2 == 0
        expected = min(end, now + total - used) if is_running else end
        assert deadline(position.session) == expected
        assert left(position, now) == min(total - used, end - now)
        if now + gap >= expected:
            break
        now, used = now + gap, used + gap * is_running
        position = position.pause(at=now) if is_running else position.resume(at=now)
    last = position.deadline
    assert last is not None
    assert last <= end
    assert position.until(last).status is Status.EXPIRED


@given(st.lists(spans, max_size=6))
def test_an_end_that_moves_with_pauses_is_like_a_total_time(gaps: list[int]) -> None:
    moving = play(exam(ends_at=100_000, moves_with_pause=True)).start()
    total, now = play(exam(100_000)).start(), 0
    for number, gap in enumerate(gaps):
        now += gap
        if total.until(now).status.is_terminal:
            break
        command = c.Resume() if number % 2 else c.Pause()
        moving, total = moving.do(command, now), total.do(command, now)
        assert (moving.deadline, left(moving, now)) == (total.deadline, left(total, now))


@extent(short=100, full=2_000)
@given(scheduled_sessions(), st.lists(st.integers(0, 9_000), max_size=12))
def test_random_histories_with_instants_are_the_same_however_often_they_are_settled(
    generated: RandomSession, gaps: list[int]
) -> None:
    check_settling_in_steps(generated, gaps)
    check_versions(generated)
    check_json(generated)


@extent(short=100, full=2_000)
@given(scheduled_sessions())
def test_random_histories_with_instants_change_when_something_is_due(
    generated: RandomSession,
) -> None:
    for run in run_commands(generated):
        session = run.before
        for step in run.due:
            assert step.occurred_at == next_wakeup(session)
            session = step.session
        after, due_at = run.after, next_wakeup(run.after)
        is_overdue = is_undone_as_if_never(run.command)  # a flag may have fallen before now
        assert due_at is None or due_at > run.now or is_overdue
        if after.status.is_terminal or is_overdue:
            continue
        assert after.updated_at + retention_ms(after) >= (due_at or 0) + HOUR
        shown = at_time(after, run.now)
        if after.ends_at is not None and after.status is not Status.PENDING:
            assert (shown.session_left_ms or 0) > 0
            ends_at = deadline(after)
            assert ends_at is None or after.moves_with_pause or ends_at <= after.ends_at


def is_undone_as_if_never(command: object) -> bool:
    return isinstance(command, c.Undo) and command.mode is UndoMode.AS_IF_NEVER


@given(scheduled_sessions(), st.integers(0, 60_000))
def test_a_random_session_ends_at_its_end_at_the_latest(generated: RandomSession, gap: int) -> None:
    session, now = after_last_command(generated)
    if session.ends_at is None or session.paused_at is not None or session.status is Status.PENDING:
        return
    position = play(session).until(max(now + gap, session.ends_at))
    assert position.status.is_terminal
