"""In every mode, each field that a request may have is shown in the answer, or refused.

A field that the service accepts and drops is a surprise: its caller believes that it has an effect.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from pydantic import ValidationError

from shared.application.session_view import session_view
from shared.domain.creation import create
from shared.domain.errors import RuleViolation
from shared.domain.session import Session, SyncMode
from shared.domain.transition import transition
from shared.domain.units import Instant
from shared.http.creation_bodies import CreateBody, NewcomerBody, ParticipantBody, UpdateBody
from shared.http.request_bodies import UpdateParticipantBody
from shared.http.validation_errors import error_details

_NOW = Instant(1_767_225_600_000)
_SOON, _LATER = "2026-01-01T01:00:00.000Z", "2026-01-01T09:00:00.000Z"
_REFUSALS = ("not_allowed", "missing", "full")

_WITH_BANK = [{"participant_id": name, "total_time_ms": 60_000} for name in "ab"]
_WITHOUT = [{"participant_id": name} for name in "ab"]
_BODIES: Mapping[SyncMode, dict[str, Any]] = {
    SyncMode.PER_PARTICIPANT: {"participants": _WITH_BANK},
    SyncMode.PER_CYCLE: {"participants": _WITHOUT, "time_per_cycle_ms": 30_000},
    SyncMode.PER_GROUP: {"participants": _WITH_BANK},
    SyncMode.GLOBAL: {"participants": _WITHOUT, "total_time_ms": 600_000},
    SyncMode.COUNT_UP: {"participants": _WITHOUT},
    SyncMode.INDIVIDUAL: {"participants": _WITHOUT, "total_time_ms": 600_000},
}
"""For each mode a session of `a` and `b` with the fields that the mode requires."""

_CREATION: dict[str, Any] = {
    "session_id": "5a7f9a52-6a2c-4d0c-9a38-0f1f4c3b7d10",
    "sync_mode": None,
    "participants": None,
    "groups": [{"group_id": "a", "total_time_ms": 50_000, "name": "Team"}],
    "total_time_ms": 700_000,
    "time_per_cycle_ms": 20_000,
    "increment_ms": 2_000,
    "time_control": {"delay_ms": 3_000},
    "max_time_ms": 90_000,
    "active_participant_id": "b",
    "auto_advance": True,
    "action_on_timeout": {"type": "auto_action", "action": "fold"},
    "warn_at_ms": [5_000],
    "metadata": {"table": 1},
    "participants_may_pause": True,
    "participants_may_give_ms": 5_000,
    "lag": {"gain_ms": 500},
    "begins": "each",
    "closes_at": _LATER,
    "grace_ms": 3_000,
    "rounds": True,
    "allow_cut": True,
    "start_at": _SOON,
    "warn_before_start_ms": [60_000],
    "ends_at": _LATER,
    "moves_with_pause": True,
    "extend_on_switch": {"window_ms": 5_000, "to_ms": 5_000},
    "items": [{"item_id": "one", "title": "First", "duration_ms": 60_000}],
    "programme": "meeting_60",
    "repeat": 2,
    "overtime": True,
    "test": True,
}
_PARTICIPANT: dict[str, Any] = {
    "participant_id": "a",
    "participant_index": 7,
    "time_control": {"delay_ms": 3_000},
    "total_time_ms": 40_000,
    "group_id": "g",
    "name": "Ada",
    "extra_ms": 5_000,
    "factor_permille": 1_500,
    "closes_at": _LATER,
}
_NEWCOMER = _PARTICIPANT | {"participant_id": "c", "allow_cut": True}
_UPDATE: dict[str, Any] = {
    "metadata": {"table": 2},
    "warn_at_ms": [4_000],
    "action_on_timeout": {"type": "end_session", "outcome": "draw"},
    "participants_may_pause": True,
    "participants_may_give_ms": 4_000,
    "start_at": _SOON,
    "warn_before_start_ms": [50_000],
    "ends_at": _LATER,
    "active_participant_id": "b",
}
_PARTICIPANT_UPDATE: dict[str, Any] = {
    "total_time_ms": 44_000,
    "overtime_periods": 2,
    "name": "Bo",
    "is_retired": True,
    "reason": None,
}
_NOT_IN_ANSWERS = {"sync_mode", "participants", "participant_id", "programme", "reason"}
"""Fields that a request needs, the name of a preset (its items are shown), and a reason (which is
in the history)."""

_SHOWN_AS = {"active_participant_id": "starts_with"}
_IN_INDIVIDUAL_ONLY = "allow_cut"
"""In `individual` it is a permission for the request, not a setting; elsewhere it is refused."""

_MODES = pytest.mark.parametrize("mode", list(SyncMode))


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (CreateBody, _CREATION),
        (ParticipantBody, _PARTICIPANT),
        (NewcomerBody, _NEWCOMER),
        (UpdateBody, _UPDATE),
        (UpdateParticipantBody, _PARTICIPANT_UPDATE),
    ],
)
def test_every_field_is_in_a_table(body: type[Any], fields: dict[str, Any]) -> None:
    assert set(body.model_fields) == set(fields)


@_MODES
@pytest.mark.parametrize("field", sorted(_CREATION.keys() - _NOT_IN_ANSWERS))
def test_a_field_of_a_creation_is_shown_or_refused(mode: SyncMode, field: str) -> None:
    shown = _answer(lambda: _created(mode, {field: _CREATION[field]}), field)
    _check(shown, mode, field, _CREATION[field])


@_MODES
@pytest.mark.parametrize("field", sorted(_PARTICIPANT.keys() - _NOT_IN_ANSWERS))
def test_a_field_of_a_participant_is_shown_or_refused(mode: SyncMode, field: str) -> None:
    first, second = _BODIES[mode]["participants"]
    members = [first | {field: _PARTICIPANT[field]}, second]
    shown = _answer(lambda: _created(mode, {"participants": members}), f"participants.0.{field}")
    _check(shown and _participant(shown, "a"), mode, field, _PARTICIPANT[field])


@_MODES
@pytest.mark.parametrize("field", sorted(_NEWCOMER.keys() - _NOT_IN_ANSWERS))
def test_a_field_of_a_newcomer_is_shown_or_refused(mode: SyncMode, field: str) -> None:
    body = _BODIES[mode]["participants"][0] | {"participant_id": "c", field: _NEWCOMER[field]}
    command = NewcomerBody.model_validate(body).command()
    shown = _answer(lambda: transition(_created(mode), command, _NOW).session, field)
    _check(shown and _participant(shown, "c"), mode, field, _NEWCOMER[field])


@_MODES
@pytest.mark.parametrize("field", sorted(_UPDATE))
def test_a_field_of_an_update_is_shown_or_refused(mode: SyncMode, field: str) -> None:
    command = UpdateBody.model_validate({field: _UPDATE[field]}).command()
    shown = _answer(lambda: transition(_created(mode), command, _NOW).session, field)
    _check(shown, mode, field, _UPDATE[field])


@_MODES
@pytest.mark.parametrize("field", sorted(_PARTICIPANT_UPDATE.keys() - _NOT_IN_ANSWERS))
def test_a_field_of_a_participant_s_update_is_shown_or_refused(mode: SyncMode, field: str) -> None:
    given = _PARTICIPANT_UPDATE[field]
    command = UpdateParticipantBody.model_validate({field: given}).command("a")
    shown = _answer(lambda: transition(_created(mode), command, _NOW).session, field)
    changed = shown and _participant(shown, "a")
    if changed and field == "total_time_ms":  # it sets the clock, which may not be its own
        assert changed["time_remaining_ms"] == given or mode is SyncMode.INDIVIDUAL
    else:
        _check(changed, mode, field, given)


def _created(mode: SyncMode, fields: Mapping[str, Any] | None = None) -> Session:
    body = {"sync_mode": mode.value} | _BODIES[mode] | dict(fields or {})
    if "items" in body:  # they have times of their own
        body.pop("total_time_ms", None)
    command = CreateBody.model_validate(body)
    return create(command.command(command.session_id or "s"), _NOW).session


def _answer(make: Any, field: str) -> dict[str, Any] | None:
    """Return the Session of the API that `make` leads to; None if it refuses `field`."""
    try:
        session = make()
    except RuleViolation as refused:
        reasons = [(one.field, one.code) for one in refused.violations]
    except ValidationError as refused:
        errors = [error | {"loc": ("body", *error["loc"])} for error in refused.errors()]
        reasons = [(one["field"], one["code"]) for one in error_details(errors)]
    else:
        view: dict[str, Any] = msgspec.to_builtins(session_view(session, _NOW))
        return view
    assert any(
        (name == field or name.startswith(f"{field}.")) and code in _REFUSALS
        for name, code in reasons
    ), reasons
    return None


def _check(shown: dict[str, Any] | None, mode: SyncMode, field: str, given: Any) -> None:
    """Check that the field is shown as given; None means that it was refused."""
    if shown is None or (field == _IN_INDIVIDUAL_ONLY and mode is SyncMode.INDIVIDUAL):
        return
    assert _contains(shown.get(_SHOWN_AS.get(field, field)), given)


def _contains(shown: Any, given: Any) -> bool:
    """Return whether `shown` has all of `given`; it may have more, such as live times."""
    if isinstance(given, dict):
        return all(_contains(shown.get(name), value) for name, value in given.items())
    if isinstance(given, list):
        return all(_contains(one, other) for one, other in zip(shown, given, strict=False))
    return bool(shown == given)


def _participant(view: dict[str, Any], participant_id: str) -> dict[str, Any]:
    return next(one for one in view["participants"] if one["participant_id"] == participant_id)
