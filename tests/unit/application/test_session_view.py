"""The JSON representation of sessions for clients."""

from typing import Any

import msgspec
import pytest

from shared.application.commit_builder import ChangeResult
from shared.application.session_view import encode_session_view, timestamp
from shared.application.shown_state import ShownState
from shared.domain.clocks import ClockOwner
from shared.domain.events import Expiry
from shared.domain.session import (
    Group,
    Participant,
    Session,
    Status,
    SyncMode,
    TimeoutAction,
    TimeoutKind,
)
from shared.domain.units import Instant, Millis
from shared.domain.values import replace

_NOW = Instant(1_760_000_000_123)


def _participant(name: str, index: int, bank_ms: int, group_id: str | None = None) -> Participant:
    return Participant(
        participant_id=name,
        participant_index=index,
        bank_ms=Millis(bank_ms),
        group_id=group_id,
        used_ms=Millis(0),
        cycle_count=0,
    )


_PENDING = Session(
    session_id="an id",
    sync_mode=SyncMode.PER_PARTICIPANT,
    created_at=_NOW,
    updated_at=_NOW,
    version=1,
    status=Status.PENDING,
    participants=(_participant("a", 0, 60_000), _participant("b", 1, 60_000)),
    active_participant_id="a",
)
_RUNNING = Session(
    session_id="an id",
    sync_mode=SyncMode.PER_GROUP,
    created_at=_NOW,
    updated_at=_NOW,
    version=1,
    participants=(_participant("a", 0, 5_000, group_id="g"),),
    groups=(Group("g", Millis(5_000)),),
    action_on_timeout=TimeoutAction(TimeoutKind.AUTO_ACTION, {"action": "fold"}),
    warn_at_ms=(Millis(1_000),),
    metadata={"a": {"b": None}},
    participants_may_pause=True,
    status=Status.RUNNING,
    active_participant_id="a",
    cycle_number=1,
    cycle_started_at=_NOW,
    session_started_at=_NOW,
)


def test_missing_values_are_left_out_except_for_six_fields() -> None:
    view: dict[str, Any] = msgspec.json.decode(encode_session_view(_PENDING, _NOW))
    assert {name for name, value in view.items() if value is None} == {
        "active_participant_id",
        "time_per_cycle_ms",
        "cycle_started_at",
        "session_started_at",
        "session_completed_at",
        "deadline_at",
    }
    absent = {"groups", "active_group_id", "max_time_ms", "warn_at_ms", "metadata"}
    assert not view.keys() & (absent | {"total_time_ms", "participants_may_pause"})
    assert view["starts_with"] == "a"
    assert "group_id" not in view["participants"][0]


def test_live_values_are_those_of_the_given_instant() -> None:
    view: dict[str, Any] = msgspec.json.decode(encode_session_view(_RUNNING, Instant(_NOW + 2_000)))
    assert view["server_time_ms"] == _NOW + 2_000
    assert view["time_remaining_ms"] == 3_000
    assert view["deadline_at"] == timestamp(Instant(_NOW + 5_000))
    assert view["participants"] == [
        {
            "participant_id": "a",
            "participant_index": 0,
            "time_used_ms": 2_000,
            "cycle_count": 0,
            "is_active": True,
            "has_expired": False,
            "total_time_ms": 5_000,
            "time_remaining_ms": 3_000,
            "group_id": "g",
            "clock": {"left_ms": 3_000, "rate": -1},
        }
    ]
    assert view["clock"] == view["groups"][0]["clock"] == {"left_ms": 3_000, "rate": -1}
    assert view["elapsed_clock"] == {"left_ms": 2_000, "rate": 1, "ceiling_ms": 5_000}
    assert view["groups"][0]["time_remaining_ms"] == 3_000
    assert view["metadata"] == {"a": {"b": None}}
    assert view["action_on_timeout"] == {"type": "auto_action", "action": "fold"}


@pytest.mark.parametrize(
    "expiry",
    [None, Expiry(ClockOwner(participant_id="a"), {}), Expiry(ClockOwner(group_id="g"), {"x": 1})],
)
def test_a_switch_is_answered_with_a_part_of_the_session(expiry: Expiry | None) -> None:
    left = ChangeResult(ShownState(_RUNNING, _NOW), expiry)
    view = msgspec.json.decode(encode_session_view(_RUNNING, _NOW))
    expected = {
        name: view[name]
        for name in (
            "session_id",
            "active_participant_id",
            "cycle_started_at",
            "participants",
            "status",
            "version",
            "cycle_number",
        )
    }
    if expiry:
        expected["action_applied"] = expiry.action_applied
        owner = {
            "expired_participant_id": expiry.side.participant_id,
            "expired_group_id": expiry.side.group_id,
        }
        expected |= {name: value for name, value in owner.items() if value}
    assert msgspec.json.decode(left.switch_result) == expected


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (1_760_000_000_123, "2025-10-09T08:53:20.123Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        (253_402_300_800_000, "9999-12-31T23:59:59.999Z"),
        (2**63, "9999-12-31T23:59:59.999Z"),
        (-(2**63), "0001-01-01T00:00:00.000Z"),
    ],
)
def test_timestamps_have_milliseconds_and_stay_within_the_calendar(instant: int, text: str) -> None:
    assert timestamp(Instant(instant)) == text


@pytest.mark.parametrize(("started_at", "last"), [(_NOW, "a"), (None, None)])
def test_an_ended_session_names_the_last_active_participant(
    started_at: Instant | None, last: str | None
) -> None:
    ended = replace(_PENDING, status=Status.CANCELLED, session_started_at=started_at)
    view = msgspec.json.decode(encode_session_view(ended, _NOW))
    assert (view.get("ended_with"), view["active_participant_id"]) == (last, None)
