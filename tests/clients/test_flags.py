"""Each expiry is emitted exactly once, even if its message is late, duplicated or lost."""

from typing import Any

import pytest
from synckairos.api_types import Message, SessionState
from synckairos.events import Expired
from synckairos.expiries import ExpiryTracker

from tests.clients.states import ADA, BEN, T0, participant, session_state, timestamp

_DEADLINE = T0 + 10_000


def expired_message(deadline_ms: float = _DEADLINE, **owner: str) -> Message:
    """Return a `TIME_EXPIRED` message, Ada's unless `owner` is given."""
    owner = owner or {"participant_id": ADA}
    return {"deadline_ms": deadline_ms, "action_applied": {"type": "notify"}, **owner}


def expired_state(version: int = 3, **more: Any) -> SessionState:
    """Return the state after Ada's clock has expired."""
    participants = [participant(ADA, 0, is_active=True), participant(BEN, 9_000)]
    fields = {"participants": participants, "deadline_at": None, "server_time_ms": _DEADLINE}
    return session_state(version, **{**fields, "updated_at": timestamp(_DEADLINE), **more})


def owners(events: list[Expired]) -> list[tuple[str | None, str | None]]:
    return [(event.participant_id, event.group_id) for event in events]


def test_an_expiry_is_emitted_for_its_message_and_not_again_for_the_state() -> None:
    expiries = ExpiryTracker()
    (event,) = expiries.message_received(expired_message())
    assert (event.participant_id, event.deadline_ms) == (ADA, _DEADLINE)
    assert expiries.state_received(session_state(), expired_state(), 0, waits=True) == []
    assert expiries.due is None


def test_an_expiry_is_emitted_once_for_a_duplicated_message() -> None:
    expiries = ExpiryTracker()
    assert len(expiries.message_received(expired_message())) == 1
    assert expiries.message_received(expired_message()) == []


def test_an_expiry_is_emitted_for_the_state_at_once_if_no_messages_arrive() -> None:
    (event,) = ExpiryTracker().state_received(session_state(), expired_state(), 0, waits=False)
    assert (event.participant_id, event.deadline_ms, event.action) == (
        ADA,
        _DEADLINE,
        {"type": "notify"},
    )


def test_an_expiry_is_emitted_for_its_message_within_300_ms_after_the_state() -> None:
    expiries = ExpiryTracker()
    assert expiries.state_received(session_state(), expired_state(), 1_000, waits=True) == []
    assert expiries.due == 1_300
    assert len(expiries.message_received(expired_message())) == 1
    assert expiries.due is None


def test_an_expiry_without_a_message_is_emitted_after_300_ms_and_its_late_message_ignored() -> None:
    expiries = ExpiryTracker()
    expiries.state_received(session_state(), expired_state(), 1_000, waits=True)
    assert expiries.take_overdue(1_299) == []
    assert owners(expiries.take_overdue(1_300)) == [(ADA, None)]
    assert expiries.message_received(expired_message()) == []


def test_no_expiry_is_emitted_for_a_state_after_a_gap_if_its_message_came() -> None:
    expiries = ExpiryTracker()
    expiries.message_received(expired_message(T0 + 4_000))
    late = expired_state(7, server_time_ms=T0 + 20_000)
    assert expiries.state_received(session_state(), late, 0, waits=False) == []


def test_an_expiry_is_emitted_again_if_the_same_clock_expires_again() -> None:
    expiries = ExpiryTracker()
    expiries.state_received(session_state(), expired_state(), 0, waits=False)
    revived = session_state(
        4, server_time_ms=_DEADLINE + 5, deadline_at=timestamp(_DEADLINE + 2_000)
    )
    expired = expired_state(
        5, server_time_ms=_DEADLINE + 2_000, updated_at=timestamp(_DEADLINE + 2_000)
    )
    (event,) = expiries.state_received(revived, expired, 0, waits=False)
    assert event.deadline_ms == _DEADLINE + 2_000


def test_no_expiry_is_emitted_if_the_previous_state_already_shows_it() -> None:
    assert ExpiryTracker().state_received(expired_state(3), expired_state(4), 0, waits=False) == []


def test_an_expiry_is_emitted_for_a_skipped_cycle_and_not_for_one_switched_in_time() -> None:
    mode: Any = {"sync_mode": "per_cycle"}
    skipped = session_state(
        3,
        **mode,
        cycle_number=2,
        cycle_started_at=timestamp(_DEADLINE),
        server_time_ms=_DEADLINE + 1,
        active_participant_id=BEN,
    )
    assert owners(
        ExpiryTracker().state_received(session_state(**mode), skipped, 0, waits=False)
    ) == [(ADA, None)]
    switched = {**skipped, "cycle_started_at": timestamp(_DEADLINE - 1)}
    assert ExpiryTracker().state_received(session_state(**mode), switched, 0, waits=False) == []  # type: ignore[arg-type]


def test_an_expiry_is_emitted_once_for_a_group() -> None:
    red, blue = ({"group_id": g, "has_expired": False} for g in ("red", "blue"))
    mode: Any = {"sync_mode": "per_group"}
    before = session_state(**mode, groups=[red, blue])
    expired = expired_state(**mode, groups=[{**red, "has_expired": True}, blue])
    assert owners(ExpiryTracker().state_received(before, expired, 0, waits=False)) == [
        (None, "red")
    ]


@pytest.mark.parametrize(("status", "owner"), [("expired", (None, None)), ("running", (ADA, None))])
def test_an_expiry_is_emitted_once_for_a_clock_shared_by_all_participants(
    status: str, owner: Any
) -> None:
    mode: Any = {"sync_mode": "global"}
    participants = [participant(ADA, 0, is_active=True), participant(BEN, 0)]
    expired = expired_state(**mode, status=status, participants=participants)
    expiries = ExpiryTracker()
    assert owners(expiries.state_received(session_state(**mode), expired, 0, waits=False)) == [
        owner
    ]
    assert expiries.message_received(expired_message(participant_id=ADA)) == []
