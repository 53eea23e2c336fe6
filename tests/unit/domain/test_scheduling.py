"""Commands ahead of time: accepted now, they take effect at their instant."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.application.session_limits import SessionLimits
from shared.domain import commands as c
from shared.domain.automatic_load import automatic_load, current_load
from shared.domain.errors import (
    AlreadyScheduled,
    InvalidTransition,
    NothingScheduled,
    Refusal,
    RuleViolation,
)
from shared.domain.events import EventType, SessionChange, TimeWarning
from shared.domain.lag import Lag
from shared.domain.session import Session, Status
from shared.domain.settlement import settle
from shared.domain.time_control import StartOn, TimeControl
from shared.domain.timekeeping import next_wakeup
from shared.domain.units import Instant, Millis
from shared.domain.values import replace
from tests.fuzz.extent import extent
from tests.unit.domain.history_checks import (
    after_last_command,
    check_json,
    check_settling_in_steps,
    check_versions,
)
from tests.unit.domain.random_games import (
    RandomSession,
    ahead_sessions,
    apply,
    random_sessions,
    run_commands,
    schedulable,
)
from tests.unit.domain.scenarios import (
    ANNA,
    BEN,
    RED,
    Play,
    chess,
    exam,
    on_timeout,
    play,
    poker,
    race,
    sitting,
    teams,
)

MINUTE = 60_000
ADD = c.AdjustClocks(add_ms=Millis(4_000))


def ahead(position: Play, command: c.SchedulableCommand, *, at: int, effective_at: int) -> Play:
    return position.do(c.Schedule(command, Instant(effective_at)), at)


def unschedule(position: Play, *, at: int) -> Play:
    return position.do(c.Unschedule(), at)


def content(session: Session) -> Session:
    """The session without what counts its changes."""
    return replace(session, version=0, warned=None)


# The effect


@pytest.mark.parametrize(
    "session",
    [
        pytest.param(chess(50_000, increment=1_000), id="per_participant"),
        pytest.param(poker(50_000), id="per_cycle"),
        pytest.param(teams(50_000, RED), id="per_group"),
        pytest.param(exam(50_000, 20_000), id="global"),
        pytest.param(race(50_000), id="count_up"),
        pytest.param(sitting(total=50_000), id="individual"),
    ],
)
@pytest.mark.parametrize("command", [c.Pause(), c.Complete(), ADD])
def test_a_command_takes_effect_at_its_instant_whoever_notices_when(
    session: Session, command: c.SchedulableCommand
) -> None:
    running = play(session).start()
    accepted = ahead(running, command, at=1_000, effective_at=6_000)
    assert (accepted.last_change.type, accepted.status) == (
        EventType.COMMAND_SCHEDULED,
        Status.RUNNING,
    )
    assert next_wakeup(accepted.session) == 6_000
    assert accepted.until(5_999).session == accepted.session
    late = accepted.until(9_000)
    assert (late.last_change.occurred_at, late.last_change.is_automatic) == (6_000, True)
    assert late.last_change.metadata is not None
    assert late.last_change.metadata["scheduled_version"] == accepted.session.version
    assert late.session.scheduled is None
    by_hand = running.do(command, 6_000)
    assert content(late.session) == content(by_hand.session)
    assert late.last_change.type is by_hand.last_change.type
    assert late.last_change.time_remaining_ms == by_hand.last_change.time_remaining_ms


def test_a_start_and_a_resumption_can_be_given_ahead() -> None:
    pending = ahead(play(chess(50_000)), c.Start(), at=100, effective_at=30_000)
    assert next_wakeup(pending.session) == 30_000
    running = pending.until(31_000)
    assert (running.status, running.session.session_started_at) == (Status.RUNNING, 30_000)
    assert running.clock(ANNA, 31_000) == 49_000
    paused = ahead(running.pause(at=32_000), c.Resume(), at=33_000, effective_at=50_000)
    again = paused.until(51_000)
    assert (again.status, again.session.cycle_started_at) == (Status.RUNNING, 50_000)
    assert again.clock(ANNA, 51_000) == 47_000


def test_switches_before_the_instant_count_and_later_ones_are_refused() -> None:
    stopping = ahead(play(chess(50_000)).start(), c.Pause(), at=1_000, effective_at=6_000)
    switched = stopping.switch(at=5_999)
    assert switched.session.scheduled is not None
    with pytest.raises(InvalidTransition, match="not running"):
        switched.switch(at=6_000)
    assert switched.until(6_000).clock(BEN, 99_000) == 49_999


def test_a_flag_that_falls_first_comes_first() -> None:
    ended = chess(5_000, action_on_timeout=on_timeout("end_session"))
    flagged = ahead(play(ended).start(), c.Pause(), at=1_000, effective_at=5_000).until(9_000)
    assert (flagged.status, flagged.expired_at) == (Status.EXPIRED, [(5_000, ANNA)])
    assert flagged.session.scheduled is None
    assert flagged.last_change.metadata is not None
    assert flagged.last_change.metadata["unscheduled"] == "pause"


def test_a_flag_and_a_pause_at_one_instant_both_happen() -> None:
    skipping = poker(5_000, action_on_timeout=on_timeout("skip_cycle"))
    both = ahead(play(skipping).start(), c.Pause(), at=1_000, effective_at=5_000).until(5_000)
    assert (both.active, both.status, both.clock(BEN, 9_000)) == (BEN, Status.PAUSED, 5_000)


def test_an_open_flag_falls_before_a_stop_ahead_of_time() -> None:
    lagging = chess(5_000, lag=Lag(Millis(500)), action_on_timeout=on_timeout("end_session"))
    stopped = ahead(play(lagging).start(), c.Pause(), at=1_000, effective_at=5_001).until(5_001)
    assert (stopped.status, stopped.expired_at) == (Status.EXPIRED, [(5_000, ANNA)])


def test_warnings_before_the_instant_are_pushed_and_later_ones_are_not() -> None:
    warned = chess(10_000, warn_at_ms=(Millis(7_000), Millis(3_000)))
    stopped = ahead(play(warned).start(), c.Pause(), at=500, effective_at=5_000).until(60_000)
    assert [step.occurred_at for step in stopped.steps if isinstance(step, TimeWarning)] == [3_000]


def test_a_session_without_a_first_turn_is_cancelled_before_a_later_command() -> None:
    control = TimeControl(start_on=StartOn.FIRST_TURN, first_turn_within_ms=Millis(5_000))
    waiting = play(chess(50_000, time_control=control)).start()
    assert ahead(waiting, c.Pause(), at=1_000, effective_at=9_000).until(9_000).status is (
        Status.CANCELLED
    )


def test_a_command_that_is_impossible_at_its_instant_is_withdrawn_with_the_reason() -> None:
    taking = c.AdjustClocks(c.ClockTarget(participants=(ANNA,)), add_ms=Millis(-4_000))
    refused = ahead(play(chess(9_000)).start(), taking, at=1_000, effective_at=6_000).until(7_000)
    change = refused.last_change
    assert (change.type, change.occurred_at) == (EventType.COMMAND_UNSCHEDULED, 6_000)
    assert change.is_automatic
    assert change.metadata == {
        "operation": "adjust",
        "effective_at_ms": 6_000,
        "scheduled_version": 3,
        "refusal": (
            f"add_ms would leave participant {ANNA} with -1000ms, and must leave more than 0ms"
        ),
    }
    assert (refused.session.scheduled, refused.clock(ANNA, 7_000)) == (None, 2_000)


# Acceptance


def test_an_instant_that_has_passed_takes_effect_at_once_and_says_by_how_much() -> None:
    late = ahead(play(chess(50_000)).start(), c.Pause(), at=7_000, effective_at=6_963)
    assert (late.status, late.clock(ANNA, 9_000)) == (Status.PAUSED, 43_000)
    assert late.last_change.metadata == {"effective_at_ms": 6_963, "late_ms": 37}
    assert not late.last_change.is_automatic


@pytest.mark.parametrize(
    ("effective_at", "code"), [(161_001, "too_late"), (40_999, "too_soon"), (161_000, None)]
)
def test_an_instant_lies_within_60_s(effective_at: int, code: str | None) -> None:
    running = play(chess(500_000)).start()
    command = c.Schedule(c.Pause(), Instant(effective_at))
    if code is None:
        assert running.do(command, 101_000).session.scheduled is not None
        return
    with pytest.raises(RuleViolation) as refused:
        running.do(command, 101_000)
    assert [(v.field, v.code) for v in refused.value.violations] == [("effective_at", code)]


@pytest.mark.parametrize(
    ("command", "error"),
    [
        (c.Start(), InvalidTransition),
        (c.Resume(), InvalidTransition),
        (c.AdjustClocks(add_ms=Millis(-60_000)), RuleViolation),
        (c.AdjustClocks(), RuleViolation),
        (c.AdjustClocks(add_ms=Millis(1), reopen=True), RuleViolation),
    ],
)
def test_a_command_that_is_impossible_now_is_refused_now(
    command: c.SchedulableCommand, error: type[Refusal]
) -> None:
    with pytest.raises(error):
        ahead(play(chess(50_000)).start(), command, at=1_000, effective_at=6_000)


@pytest.mark.parametrize(
    ("first", "second", "at", "is_replaced"),
    [
        (ADD, c.Pause(), 50_000, True),
        (c.Pause(), c.Pause(), 5_999, True),
        (c.Pause(), c.Pause(), 6_000, False),
        (c.Pause(), c.Pause(), 6_001, False),
        (c.Pause(), c.Complete(), 5_000, True),
        (c.Complete(), c.Pause(), 50_000, False),
        (c.Pause(), ADD, 5_000, False),
        (ADD, ADD, 5_000, False),
    ],
)
def test_only_a_stop_replaces_a_command_and_never_postpones_another_stop(
    first: c.SchedulableCommand, second: c.SchedulableCommand, at: int, is_replaced: bool
) -> None:
    pending = ahead(play(chess(90_000)).start(), first, at=1_000, effective_at=6_000)
    if not is_replaced:
        with pytest.raises(AlreadyScheduled, match="unschedule it first"):
            ahead(pending, second, at=2_000, effective_at=at)
        return
    replaced = ahead(pending, second, at=2_000, effective_at=at)
    assert replaced.session.scheduled is not None
    assert replaced.session.scheduled.effective_at == at
    assert replaced.last_change.metadata is not None
    assert replaced.last_change.metadata["replaces"]["effective_at_ms"] == 6_000


def test_a_stop_now_wins_over_a_later_command() -> None:
    stopping = ahead(play(chess(50_000)).start(), c.Pause(), at=1_000, effective_at=6_000)
    paused = stopping.pause(at=2_000)
    assert (paused.status, paused.session.scheduled) == (Status.PAUSED, None)
    ending = ahead(play(chess(50_000)).start(), c.Complete(), at=1_000, effective_at=6_000)
    assert ending.pause(at=2_000).until(6_000).status is Status.COMPLETED


@pytest.mark.parametrize("is_ahead", [True, False])
@pytest.mark.parametrize("was_started", [True, False])
def test_a_pause_withdraws_the_command_that_would_let_the_clocks_run(
    is_ahead: bool, was_started: bool
) -> None:
    still = play(chess(50_000))
    if was_started:
        still = still.start().pause(at=1_000)
    waiting = ahead(still, c.Resume() if was_started else c.Start(), at=2_000, effective_at=30_000)
    stopped = (
        ahead(waiting, c.Pause(), at=3_000, effective_at=5_000)
        if is_ahead
        else waiting.pause(at=3_000)
    )
    assert stopped.last_change.type is EventType.COMMAND_UNSCHEDULED
    assert stopped.session.scheduled is None
    assert stopped.until(MINUTE).status is still.status


def test_a_resumption_now_makes_a_later_one_void() -> None:
    still = play(chess(50_000)).start().pause(at=1_000)
    waiting = ahead(still, c.Resume(), at=2_000, effective_at=30_000)
    running = waiting.resume(at=3_000)
    assert (running.status, running.session.scheduled) == (Status.RUNNING, None)
    assert running.pause(at=4_000).until(MINUTE).status is Status.PAUSED


def test_a_scheduled_command_can_be_withdrawn_until_its_instant() -> None:
    pending = ahead(play(chess(50_000)).start(), c.Pause(), at=1_000, effective_at=6_000)
    withdrawn = unschedule(pending, at=5_999)
    assert withdrawn.last_change.type is EventType.COMMAND_UNSCHEDULED
    assert withdrawn.last_change.metadata == {
        "operation": "pause",
        "effective_at_ms": 6_000,
        "scheduled_version": 3,
    }
    assert withdrawn.until(9_000).status is Status.RUNNING
    assert withdrawn.clock(ANNA, 9_000) == 41_000
    with pytest.raises(NothingScheduled):
        unschedule(pending, at=6_000)


def test_the_load_after_a_scheduled_command_counts_before_it_happens() -> None:
    fast = poker(1_000, action_on_timeout=on_timeout("skip_cycle"))
    paused = play(fast).start().pause(at=100)
    waiting = ahead(paused, c.Resume(), at=200, effective_at=9_000)
    assert current_load(paused.session) == 0
    assert current_load(waiting.session) == automatic_load(waiting.until(9_000).session) > 0


def test_the_load_limit_is_checked_when_a_command_is_scheduled() -> None:
    fast = poker(1_000, action_on_timeout=on_timeout("skip_cycle"))
    command = c.Schedule(c.Start(), Instant(9_000))
    waiting = play(fast).do(command, 0).session
    with pytest.raises(RuleViolation, match="validation"):
        SessionLimits(load_of_session=1).check_changed(fast, waiting, command)
    SessionLimits(load_of_session=1_000).check_changed(fast, waiting, command)


def test_an_earlier_start_at_makes_a_later_start_void() -> None:
    waiting = ahead(
        play(chess(50_000, start_at=5_000)), c.Start(), at=100, effective_at=9_000
    ).until(9_000)
    assert (waiting.session.session_started_at, waiting.session.scheduled) == (5_000, None)
    assert len(waiting.steps) == 2


def test_a_session_stores_its_scheduled_command_until_it_takes_effect() -> None:
    pending = ahead(play(chess(50_000)).start(), ADD, at=1_000, effective_at=6_000).session
    assert msgspec.to_builtins(pending)["scheduled"] == {
        "operation": "adjust",
        "effective_at": 6_000,
        "version": 3,
        "adjustment": {"add_ms": 4_000},
    }


# Properties

examples = extent(short=60, full=2_000)


@examples
@given(random_sessions(), schedulable, st.integers(1, 60_000), st.integers(0, 60_000))
def test_a_command_ahead_of_time_equals_the_command_at_its_instant(
    generated: RandomSession, command: c.SchedulableCommand, wait: int, later: int
) -> None:
    session, now = after_last_command(generated)
    effective_at = Instant(now + wait)
    accepted = apply(session, c.Schedule(command, effective_at), now)
    if isinstance(accepted, Refusal):
        return
    end = Instant(effective_at + later)
    ahead_of_time = _settled(accepted.session, end)
    due = _settled(session, effective_at)
    by_hand = apply(due, command, effective_at)
    expected = by_hand.session if isinstance(by_hand, SessionChange) else due
    if not due.status.is_terminal:
        assert _shown(ahead_of_time) == _shown(_settled(expected, end))


def _settled(session: Session, now: Instant) -> Session:
    for step in settle(session, now):
        session = step.session
    return session


def _shown(session: Session) -> Session:
    return replace(session, version=0, updated_at=Instant(0), warned=None)


@examples
@given(ahead_sessions())
def test_each_change_ahead_of_time_is_one_version(generated: RandomSession) -> None:
    check_versions(generated)


@examples
@given(ahead_sessions(), st.lists(st.integers(0, 9_000), max_size=12))
def test_settling_in_small_steps_equals_settling_once(
    generated: RandomSession, gaps: list[int]
) -> None:
    check_settling_in_steps(generated, gaps)


@examples
@given(ahead_sessions())
def test_each_state_with_a_scheduled_command_is_valid_json(generated: RandomSession) -> None:
    check_json(generated)


@examples
@given(ahead_sessions())
def test_no_command_waits_past_its_instant_or_past_the_end(generated: RandomSession) -> None:
    for run in run_commands(generated):
        scheduled = run.after.scheduled
        if scheduled is not None:
            assert scheduled.effective_at > run.now
            assert not run.after.status.is_terminal
            assert (next_wakeup(run.after) or 0) <= scheduled.effective_at
