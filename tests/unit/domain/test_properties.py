"""Properties that hold for every session, command and instant."""

from itertools import pairwise

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from shared.domain import commands as c
from shared.domain.clocks import clocks_of
from shared.domain.creation import create
from shared.domain.errors import RuleViolation, Violation
from shared.domain.events import EventType, SessionChange, TimeWarning
from shared.domain.session import Session, Status, SyncMode
from shared.domain.timekeeping import at_time, deadline, next_wakeup
from shared.domain.units import Instant, Millis
from shared.domain.values import replace
from tests.fuzz.extent import extent
from tests.unit.domain.history_checks import (
    after_last_command,
    check_granted_time,
    check_json,
    check_reading,
    check_settling_in_steps,
    check_versions,
    settled,
)
from tests.unit.domain.ledger import shown
from tests.unit.domain.random_games import (
    GROUPS,
    RandomSession,
    apply,
    names,
    opened,
    openings,
    random_sessions,
    run_commands,
    spans,
)

examples = extent(short=30, full=2_000)
clock_jumps = st.integers(-6_000, 6_000)


@examples
@given(random_sessions())
def test_used_and_remaining_time_add_up_to_the_granted_time(generated: RandomSession) -> None:
    check_granted_time(generated)


@examples
@given(random_sessions())
def test_no_millisecond_is_lost_or_added(generated: RandomSession) -> None:
    session = opened(generated)
    ran = {p.participant_id: 0 for p in session.participants}
    since = generated.created_at
    for run in run_commands(generated):
        for step in run.steps:
            if isinstance(step, SessionChange):
                if deadline(session) is not None or _runs_without_limit(session):
                    mover = session.active_participant_id or "none"
                    ran[mover] = ran.get(mover, 0) + step.occurred_at - since
                since = step.occurred_at
            session = step.session
        assert {p.participant_id: p.used_ms for p in session.participants} == {
            p.participant_id: ran.get(p.participant_id, 0) for p in session.participants
        }
        assert session.used_ms == sum(ran.values())


def _runs_without_limit(session: Session) -> bool:
    return session.status is Status.RUNNING and clocks_of(session).left(session) is None


@examples
@given(random_sessions())
def test_exactly_one_participant_is_active_if_there_are_any(generated: RandomSession) -> None:
    for run in run_commands(generated):
        for step in run.steps:
            session = step.session
            present = [p.participant_id for p in session.participants]
            active = [name for name in present if name == session.active_participant_id]
            assert len(active) == min(1, len(present))


@examples
@given(random_sessions())
def test_each_change_is_one_version_and_a_refusal_is_none(generated: RandomSession) -> None:
    check_versions(generated)


@examples
@given(random_sessions())
def test_a_command_never_mutates_its_session(generated: RandomSession) -> None:
    for run in run_commands(generated):
        written = msgspec.json.encode(run.settled)
        again = apply(run.settled, run.command, run.now)
        assert msgspec.json.encode(run.settled) == written
        assert (type(again), str(again)) == (type(run.result), str(run.result))


@examples
@given(random_sessions(), st.integers(0, 40_000))
def test_settling_again_changes_nothing(generated: RandomSession, later: int) -> None:
    session, now = after_last_command(generated)
    settled_once = settled(session, Instant(now + later))
    assert settled(settled_once, Instant(now + later)) == settled_once


@examples
@given(random_sessions(), st.lists(st.integers(0, 9_000), max_size=12))
def test_settling_in_small_steps_equals_settling_once(
    generated: RandomSession, gaps: list[int]
) -> None:
    check_settling_in_steps(generated, gaps)


@examples
@given(random_sessions(), st.integers(0, 9_000), st.integers(0, 9_000))
def test_reading_a_clock_does_not_change_it(generated: RandomSession, gap: int, more: int) -> None:
    check_reading(generated, gap, more)


@examples
@given(random_sessions())
def test_steps_are_in_the_order_of_time_and_happen_when_due(generated: RandomSession) -> None:
    for run in run_commands(generated):
        session = run.before
        for step in run.due:
            assert step.occurred_at == next_wakeup(session)
            if isinstance(step, SessionChange):
                assert (step.type, step.occurred_at) == (EventType.TIME_EXPIRED, deadline(session))
            session = step.session
        instants = [step.occurred_at for step in run.steps]
        assert all(earlier <= later for earlier, later in pairwise([*instants, run.now]))
        assert run.before.updated_at <= run.now
        wakeup = next_wakeup(session)
        assert wakeup is None or wakeup > run.now


@examples
@given(random_sessions())
def test_a_warning_comes_when_the_remaining_time_equals_its_threshold(
    generated: RandomSession,
) -> None:
    for run in run_commands(generated):
        for step in run.due:
            if isinstance(step, TimeWarning):
                at_that_instant = at_time(step.session, step.occurred_at)
                clocks = clocks_of(at_that_instant)
                running = clocks.running(at_that_instant)  # without a clock that is at zero
                left = [value for side, value in running if side == step.side]
                assert step.threshold_ms in [*left, clocks.left(at_that_instant)]
                assert step.threshold_ms in generated.opening.warn_at_ms


@examples
@given(random_sessions())
def test_an_ended_session_stays_unchanged(generated: RandomSession) -> None:
    for run in run_commands(generated):
        after = run.after
        assert after.status.is_terminal == (after.session_completed_at is not None)
        assert (after.status is Status.RUNNING) == (after.cycle_started_at is not None)
        if run.before.status.is_terminal:
            assert run.due == ()
            assert isinstance(run.command, c.Delete) == isinstance(run.result, SessionChange)


@examples
@given(random_sessions(), names, spans)
def test_an_adjusted_clock_shows_its_value_at_once(
    generated: RandomSession, who: str, value: Millis
) -> None:
    adjusting = c.AdjustTime(who, value)
    moved = [
        move for move in generated.moves if not isinstance(move.command, c.Complete | c.Cancel)
    ]
    for run in run_commands(RandomSession(generated.opening, generated.created_at, moved)):
        session = run.settled
        if session.status.is_terminal or session.find(who) is None:
            continue
        change = apply(session, adjusting, run.now)
        has_no_ceiling = session.sync_mode is SyncMode.COUNT_UP and session.max_time_ms is None
        assert isinstance(change, SessionChange) != has_no_ceiling
        if isinstance(change, SessionChange):
            participant = change.session.find(who)
            assert participant is not None
            assert clocks_of(change.session).time_left_of(change.session, participant) == value


@examples
@given(random_sessions())
def test_a_session_is_the_same_after_a_round_trip_through_json(generated: RandomSession) -> None:
    check_json(generated)


@examples
@given(random_sessions(gaps=clock_jumps))
def test_a_backward_jump_of_the_system_clock_makes_no_time_negative(
    generated: RandomSession,
) -> None:
    before = opened(generated)
    for run in run_commands(generated):
        for step in run.steps:
            after = step.session
            assert min([0, *shown(after).values()]) == 0
            assert after.used_ms >= before.used_ms
            used = {p.participant_id: p.used_ms for p in before.participants}
            assert all(p.used_ms >= used.get(p.participant_id, 0) for p in after.participants)
            assert after.cycle_used_ms >= 0
            before = after
        anchor = before.cycle_started_at or run.now
        assert at_time(before, Instant(anchor - 5_000)) == before


@examples
@given(openings(), st.data())
def test_creation_fails_only_with_violations_of_its_own_fields(
    opening: c.Create, data: st.DataObject
) -> None:
    changes = {
        "participants": st.just(opening.participants * 2) | st.just(()),
        "active_participant_id": names,
        "groups": st.lists(st.builds(c.NewGroup, st.sampled_from(GROUPS), spans)).map(tuple),
        "total_time_ms": st.none(),
        "time_per_cycle_ms": st.none(),
    }
    field = data.draw(st.sampled_from(sorted(changes)))
    changed = replace(opening, **{field: data.draw(changes[field])})
    named = {violation.field.split(".")[0] for violation in _violations(changed)}
    assert named <= set(c.Create.__struct_fields__)


def _violations(opening: c.Create) -> tuple[Violation, ...]:
    try:
        create(opening, Instant(0))
    except RuleViolation as refusal:
        return refusal.violations
    return ()
