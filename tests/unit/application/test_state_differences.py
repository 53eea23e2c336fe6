"""Which changes are pushed with a difference beside the whole state."""

import pytest

from shared.application.shown_state import ShownState
from shared.application.state_differences import changed_participants, pushed_difference
from shared.domain import commands as c
from shared.domain.creation import create
from shared.domain.individual_clock import Begins, IndividualSettings
from shared.domain.session import Session, SyncMode
from shared.domain.transition import transition
from shared.domain.units import Instant, Millis

START = Instant(1_760_000_000_000)


def exam(participants: int, begins: Begins = Begins.TOGETHER) -> Session:
    seats = tuple(c.NewParticipant(f"p{number}") for number in range(participants))
    spec = c.Create(
        "session",
        SyncMode.INDIVIDUAL,
        seats,
        total_time_ms=Millis(60_000),
        individual=IndividualSettings(begins),
    )
    return after(create(spec, START).session, c.Start())


def after(session: Session, *commands: c.Command) -> Session:
    for command in commands:
        session = transition(session, command, Instant(session.updated_at + 10)).session
    return session


def state_of(session: Session) -> ShownState:
    return ShownState(session, session.updated_at)


def changed(before: Session, command: c.Command) -> list[str] | None:
    found = changed_participants(before, after(before, command))
    return None if found is None else [one.participant_id for one in found]


@pytest.mark.parametrize(
    ("command", "people"),
    [
        (c.FinishParticipant("p1"), ["p1"]),
        (c.PauseParticipant("p2"), ["p2"]),
        (c.AddParticipant(c.NewParticipant("late")), ["late"]),
        (
            c.AdjustClocks(c.ClockTarget(participants=("p0", "p3")), add_ms=Millis(5_000)),
            ["p0", "p3"],
        ),
        (c.UpdateSession(warn_at_ms=(Millis(1_000),)), None),
        (c.AdjustClocks(c.EVERY_CLOCK, add_ms=Millis(5_000)), None),
        (c.Pause(), None),
        (c.Complete(), None),
    ],
)
def test_a_change_of_few_participants_has_a_difference(
    command: c.Command, people: list[str] | None
) -> None:
    assert changed(exam(4), command) == people


def test_a_beginning_has_a_difference_unless_it_replaces_the_metadata() -> None:
    each = exam(4, Begins.EACH)
    assert changed(each, c.BeginParticipants(("p0",))) == ["p0"]
    assert changed(each, c.BeginParticipants(("p0",), {"question": 2})) is None


def test_the_removal_of_a_participant_has_none() -> None:
    finished = after(exam(4), c.FinishParticipant("p1"))
    assert changed(finished, c.RemoveParticipant("p1")) is None


def test_a_change_while_the_clocks_stand_or_will_stop_has_none() -> None:
    paused = after(exam(4), c.Pause())
    assert changed(paused, c.FinishParticipant("p1")) is None
    assert changed(paused, c.Resume()) is None


def test_the_finish_that_ends_the_session_has_none() -> None:
    almost = after(exam(2), c.FinishParticipant("p0"))
    assert changed(almost, c.FinishParticipant("p1")) is None


@pytest.mark.parametrize(("participants", "has_difference"), [(64, False), (65, True)])
def test_only_sessions_that_are_stored_in_parts_push_differences(
    participants: int, has_difference: bool
) -> None:
    before = exam(participants)
    finished = after(before, c.FinishParticipant("p7"))
    found = pushed_difference(before, state_of(finished))
    assert (found is not None) == has_difference
    if found:
        assert found.since == before.version
        assert [one.participant_id for one in found.state.participants] == ["p7"]
        assert pushed_difference(None, state_of(finished)) is None
