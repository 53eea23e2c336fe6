"""Properties of every session of `individual`, whatever its commands."""

import dataclasses
from itertools import pairwise

from hypothesis import assume, given
from hypothesis import strategies as st

from shared.domain import commands as c
from shared.domain.clocks import clocks_of
from shared.domain.clocks.individual_times import clock_of, own_time_left
from shared.domain.creation import create
from shared.domain.events import SessionChange, TimeWarning
from shared.domain.individual_clock import Begins, IndividualClock, RunState
from shared.domain.session import Session, Status, SyncMode
from shared.domain.settlement import settle
from shared.domain.timekeeping import at_time, next_wakeup
from shared.domain.transition import transition
from shared.domain.units import Instant, Millis
from shared.domain.values import replace
from tests.fuzz.extent import extent
from tests.unit.domain.history_checks import (
    check_json,
    check_reading,
    check_settling_in_steps,
    check_versions,
    settled,
)
from tests.unit.domain.individual_games import openings, random_sessions
from tests.unit.domain.random_games import (
    CommandRun,
    RandomSession,
    additions,
    opened,
    run_commands,
)
from tests.unit.domain.scenarios import deadline_of

examples = extent(short=60, full=2_000)


@examples
@given(random_sessions())
def test_each_change_is_one_version_and_a_refusal_is_none(generated: RandomSession) -> None:
    check_versions(generated)


@examples
@given(random_sessions(), st.lists(st.integers(0, 9_000), max_size=12))
def test_settling_in_small_steps_equals_settling_once(
    generated: RandomSession, gaps: list[int]
) -> None:
    check_settling_in_steps(generated, gaps)


@examples
@given(random_sessions())
def test_a_session_is_the_same_after_a_round_trip_through_json(generated: RandomSession) -> None:
    check_json(generated)


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
            session = step.session
        instants = [step.occurred_at for step in run.steps]
        assert all(earlier <= later for earlier, later in pairwise([*instants, run.now]))
        wakeup = next_wakeup(session)
        assert wakeup is None or wakeup > run.now


@examples
@given(random_sessions())
def test_a_warning_comes_when_the_time_left_equals_its_threshold(generated: RandomSession) -> None:
    for run in run_commands(generated):
        for step in run.due:
            if isinstance(step, TimeWarning):
                person = step.session.find(step.side.participant_id or "")
                assert person is not None
                at = deadline_of(step.session, person)
                assert at is not None
                assert at - step.occurred_at == step.threshold_ms


@examples
@given(random_sessions())
def test_nobody_is_active_and_an_ended_session_has_nobody_under_way(
    generated: RandomSession,
) -> None:
    for run in run_commands(generated):
        after = run.after
        states = [clock_of(p).state for p in after.participants]
        assert after.active_participant_id is None
        assert (after.status is Status.RUNNING) == (after.cycle_started_at is not None)
        if after.status.is_terminal:
            assert all(state.is_done for state in states)
        elif not generated.opening.individual.rounds:
            assert not all(state.is_done for state in states)


@examples
@given(random_sessions())
def test_used_time_and_time_left_add_up_to_the_granted_time(generated: RandomSession) -> None:
    for run in run_commands(generated):
        session = at_time(run.after, run.now)
        for person in session.participants:
            clock = clock_of(person)
            granted, left = clock.granted_ms(session.total_time_ms), own_time_left(session, person)
            if granted is None or left is None:
                assert granted is left
            else:
                assert clock.used_at(session.used_ms) + left == granted


@examples
@given(random_sessions(can_reopen=False))
def test_the_used_time_is_the_time_for_which_the_clock_ran(generated: RandomSession) -> None:
    session, since = opened(generated), generated.created_at
    ran: dict[str, int] = {}
    for run in run_commands(generated):
        for step in run.steps:
            if not isinstance(step, SessionChange):
                continue
            for person in session.participants:
                runs = clock_of(person).state is RunState.RUNNING
                if runs and session.status is Status.RUNNING:
                    name = person.participant_id
                    ran[name] = ran.get(name, 0) + step.occurred_at - since
            session, since = step.session, step.occurred_at
        for person in session.participants:
            clock = clock_of(person)
            used = person.used_ms - clock.used_ms + clock.used_at(session.used_ms)
            assert used == ran.get(person.participant_id, 0)
        ran = {p.participant_id: ran.get(p.participant_id, 0) for p in session.participants}


# Each clock is that of a session of its own


@examples
@given(random_sessions())
def test_each_clock_equals_that_of_a_session_with_this_participant_only(
    generated: RandomSession,
) -> None:
    for position in range(len(generated.opening.participants)):
        _check_own_session(generated, position)


def _check_own_session(generated: RandomSession, position: int) -> None:
    newcomer = generated.opening.participants[position]
    alone = create(
        replace(generated.opening, participants=(newcomer,)), generated.created_at
    ).session
    for run in run_commands(generated):
        alone = settled(alone, run.now)
        if alone.status.is_terminal:
            return
        command = _of_one(run, newcomer.participant_id)
        if command is not None:
            alone = transition(alone, command, run.now).session
        person = run.after.find(newcomer.participant_id)
        if person is None:
            return
        own = alone.participants[0]
        assert clock_of(person) == clock_of(own)
        assert (person.used_ms, person.cycle_count) == (own.used_ms, own.cycle_count)
        if alone.status.is_terminal:
            return
        assert deadline_of(run.after, person) == deadline_of(alone, own)


def _of_one(run: CommandRun, name: str) -> c.Command | None:
    """The part of an accepted command that concerns `name`."""
    if not isinstance(run.result, SessionChange):
        return None
    match run.command:
        case c.BeginParticipants():
            before, after = _clock(run.settled, name), _clock(run.after, name)
            return c.BeginParticipants((name,)) if before != after else None
        case c.AdjustClocks(to) as adjustment if to.participants:
            target = c.ClockTarget(participants=(name,))
            return replace(adjustment, to=target) if name in to.participants else None
        case c.AdjustClocks() as adjustment:
            is_done = (_clock(run.settled, name) or IndividualClock()).state.is_done
            return None if is_done else adjustment
        case c.AddParticipant() | c.RemoveParticipant():
            return None
        case command:
            return command if getattr(command, "participant_id", name) == name else None


def _clock(session: Session, name: str) -> IndividualClock | None:
    person = session.find(name)
    return clock_of(person) if person else None


# Corrections


adding = st.builds(
    c.AdjustClocks,
    st.just(c.EVERY_CLOCK) | st.just(c.ClockTarget(participants=("p0",))),
    add_ms=additions.map(lambda ms: Millis(abs(ms))),
    scaled=st.booleans(),
)


@examples
@given(random_sessions())
def test_the_sessions_clock_is_that_of_a_participant_without_extra_time_or_commands_of_its_own(
    generated: RandomSession,
) -> None:
    opening = generated.opening
    usual = c.NewParticipant("usual")
    settings = replace(opening.individual, begins=Begins.TOGETHER, rounds=False)
    people = (usual, *opening.participants)
    opening = replace(opening, participants=people, individual=settings)
    for run in run_commands(dataclasses.replace(generated, opening=opening)):
        for step in run.steps:
            _check_session_clock(step.session)


def _check_session_clock(session: Session) -> None:
    usual = session.find("usual")
    assert usual is not None
    total, state = session.total_time_ms, clock_of(usual).state
    if total is not None and not state.is_done:
        rules = clocks_of(session)
        drawn = rules.drawn(session)
        shared, own = drawn.session, drawn.participants[0]
        assert shared is not None
        assert own is not None
        assert shared.left_ms == own.left_ms
        assert shared.rate == own.rate or state is RunState.OVERDUE


@examples
@given(openings(), st.lists(adding, min_size=2, max_size=6), st.data())
def test_additions_in_any_order_give_the_same_deadlines(
    opening: c.Create, gifts: list[c.AdjustClocks], data: st.DataObject
) -> None:
    assume(opening.total_time_ms is not None)
    assume(any(p.participant_id == "p0" for p in opening.participants))
    session = create(opening, Instant(1_760_000_000_123)).session
    session = transition(session, c.Start(), session.updated_at).session
    other_order = data.draw(st.permutations(gifts))
    results = [_given(session, order) for order in (gifts, other_order)]
    assert results[0] == results[1]


def _given(session: Session, gifts: list[c.AdjustClocks]) -> list[tuple[int, int | None]]:
    for gift in gifts:
        session = transition(session, gift, session.updated_at).session
    return [(clock_of(p).given_ms, deadline_of(session, p)) for p in session.participants]


# Many at once


def test_many_deadlines_at_one_instant_are_a_version_each_in_order() -> None:
    opening = c.Create(
        "session",
        SyncMode.INDIVIDUAL,
        tuple(c.NewParticipant(f"p{number}") for number in range(250)),
        total_time_ms=Millis(10_000),
    )
    session = create(opening, Instant(0)).session
    session = transition(session, c.Start(), Instant(0)).session
    steps = list(settle(session, Instant(10_000)))
    assert {step.occurred_at for step in steps} == {10_000}
    assert [step.side.participant_id for step in steps] == [f"p{n}" for n in range(250)]
    assert steps[-1].session.version == 252
    assert steps[-1].session.status is Status.EXPIRED
