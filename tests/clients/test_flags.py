"""Each flag that falls is told of exactly once, whatever comes of its message."""

from typing import Any

import pytest
from synckairos.events import Expired
from synckairos.flags import Flags
from synckairos.states import Message, SessionState

from tests.clients.states import ADA, BEN, T0, person, session, stamp

_DEADLINE = T0 + 10_000


def message(deadline_ms: float = _DEADLINE, **owner: str) -> Message:
    """A `TIME_EXPIRED`, Ada's unless it says whose."""
    owner = owner or {"participant_id": ADA}
    return {"deadline_ms": deadline_ms, "action_applied": {"type": "notify"}, **owner}


def after(version: int = 3, **more: Any) -> SessionState:
    """The session when Ada's flag has fallen."""
    people = [person(ADA, 0, is_active=True), person(BEN, 9_000)]
    fields = {"participants": people, "deadline_at": None, "server_time_ms": _DEADLINE}
    return session(version, **{**fields, "updated_at": stamp(_DEADLINE), **more})


def owners(events: list[Expired]) -> list[tuple[str | None, str | None]]:
    return [(event.participant_id, event.group_id) for event in events]


def test_a_message_tells_of_it_and_the_state_behind_it_says_nothing_new() -> None:
    flags = Flags()
    (event,) = flags.heard(message())
    assert (event.participant_id, event.deadline_ms) == (ADA, _DEADLINE)
    assert flags.seen(session(), after(), 0, waits=True) == []
    assert flags.due is None


def test_a_message_that_comes_twice_tells_once() -> None:
    flags = Flags()
    assert len(flags.heard(message())) == 1
    assert flags.heard(message()) == []


def test_where_no_message_can_come_the_state_tells() -> None:
    (event,) = Flags().seen(session(), after(), 0, waits=False)
    assert (event.participant_id, event.deadline_ms, event.action) == (
        ADA,
        _DEADLINE,
        {"type": "notify"},
    )


def test_a_state_waits_a_moment_for_its_message() -> None:
    flags = Flags()
    assert flags.seen(session(), after(), 1_000, waits=True) == []
    assert flags.due == 1_300
    assert len(flags.heard(message())) == 1
    assert flags.due is None


def test_a_message_that_is_lost_is_made_up_for_and_if_it_was_only_late_it_is_dropped() -> None:
    flags = Flags()
    flags.seen(session(), after(), 1_000, waits=True)
    assert flags.give_up(1_299) == []
    assert owners(flags.give_up(1_300)) == [(ADA, None)]
    assert flags.heard(message()) == []


def test_a_flag_that_fell_between_two_reads_is_known_by_its_message_whenever_that_was() -> None:
    flags = Flags()
    flags.heard(message(T0 + 4_000))
    late = after(7, server_time_ms=T0 + 20_000)
    assert flags.seen(session(), late, 0, waits=False) == []


def test_a_second_fall_of_the_same_clock_is_another() -> None:
    flags = Flags()
    flags.seen(session(), after(), 0, waits=False)
    revived = session(4, server_time_ms=_DEADLINE + 5, deadline_at=stamp(_DEADLINE + 2_000))
    fell = after(5, server_time_ms=_DEADLINE + 2_000, updated_at=stamp(_DEADLINE + 2_000))
    (event,) = flags.seen(revived, fell, 0, waits=False)
    assert event.deadline_ms == _DEADLINE + 2_000


def test_who_was_down_already_falls_no_more() -> None:
    assert Flags().seen(after(3), after(4), 0, waits=False) == []


def test_a_skipped_cycle_is_known_by_where_the_next_one_began() -> None:
    mode: Any = {"sync_mode": "per_cycle"}
    skipped = session(
        3,
        **mode,
        cycle_number=2,
        cycle_started_at=stamp(_DEADLINE),
        server_time_ms=_DEADLINE + 1,
        active_participant_id=BEN,
    )
    assert owners(Flags().seen(session(**mode), skipped, 0, waits=False)) == [(ADA, None)]
    switched = {**skipped, "cycle_started_at": stamp(_DEADLINE - 1)}
    assert Flags().seen(session(**mode), switched, 0, waits=False) == []  # type: ignore[arg-type]


def test_a_group_falls_as_one() -> None:
    red, blue = ({"group_id": g, "has_expired": False} for g in ("red", "blue"))
    mode: Any = {"sync_mode": "per_group"}
    before = session(**mode, groups=[red, blue])
    fell = after(**mode, groups=[{**red, "has_expired": True}, blue])
    assert owners(Flags().seen(before, fell, 0, waits=False)) == [(None, "red")]


@pytest.mark.parametrize(("status", "owner"), [("expired", (None, None)), ("running", (ADA, None))])
def test_a_shared_clock_falls_once_for_everybody(status: str, owner: Any) -> None:
    mode: Any = {"sync_mode": "global"}
    people = [person(ADA, 0, is_active=True), person(BEN, 0)]
    fell = after(**mode, status=status, participants=people)
    flags = Flags()
    assert owners(flags.seen(session(**mode), fell, 0, waits=False)) == [owner]
    assert flags.heard(message(participant_id=ADA)) == []
