"""What a simulation shows: its events, and the session at its end."""

from collections.abc import Callable, Sequence
from typing import Any

from shared.application.event_loop import LARGE_SESSION, yield_to_event_loop
from shared.application.programme_view import active_item_id
from shared.application.session_view import encode_session_view, timestamp
from shared.domain.errors import Refusal, RuleViolation, Violation
from shared.domain.events import PeriodEnded, SessionChange, SessionStep, TimeWarning
from shared.domain.session import Session
from shared.domain.simulation import RefusedCommand, TimedCommand, simulate
from shared.domain.units import Instant, elapsed_between

MAX_EVENTS = 1_000
"""The most that one simulation may show."""

_PARTICIPANTS_PER_SLICE = 2 * LARGE_SESSION
"""Sum over the events that are made without a pause, which takes a few ms."""


async def simulation_view(
    session: Session,
    now: Instant,
    commands: Sequence[TimedCommand],
    until: Instant,
    error_of: Callable[[Refusal], dict[str, Any]],
) -> dict[str, Any]:
    """Return the events from `now` to `until`, and the session then, as the API shows them.

    `error_of` returns a refusal as an error of the API. Raises `RuleViolation` if there are more
    than `MAX_EVENTS` events.
    """
    events: list[dict[str, Any]] = []
    size, slice_size = max(1, len(session.participants)), 0
    for step in simulate(session, commands, until):
        if len(events) == MAX_EVENTS:
            message = f"cannot cover more than {MAX_EVENTS} events"
            raise RuleViolation(Violation("until_ms", message, "too_big"))
        session = step.session
        after_ms = elapsed_between(now, step.occurred_at)
        events.append({"after_ms": after_ms, **_event_view(step, error_of)})
        slice_size += size
        if slice_size > _PARTICIPANTS_PER_SLICE:
            slice_size = 0
            await yield_to_event_loop()
    return {"events": events, "session": encode_session_view(session, until)}


def _event_view(
    step: SessionStep | RefusedCommand, error_of: Callable[[Refusal], dict[str, Any]]
) -> dict[str, Any]:
    common = {"occurred_at": timestamp(step.occurred_at), "version": step.session.version}
    if isinstance(step, RefusedCommand):
        error = error_of(step.refusal)
        return {"type": "refused", **common, "operation": step.position, "error": error}
    owner = {"participant_id": step.side.participant_id, "group_id": step.side.group_id}
    common |= {name: owner_id for name, owner_id in owner.items() if owner_id is not None}
    if isinstance(step, TimeWarning):
        before = {"before": "start"} if step.is_before_start else {}
        return {"type": "warning", **common, "threshold_ms": step.threshold_ms, **before}
    if isinstance(step, PeriodEnded):
        return {"type": "period_ended", **common, "periods_left": step.periods_left}
    return {"type": "change", **common, **_change_view(step)}


def _change_view(change: SessionChange) -> dict[str, Any]:
    after = change.session
    view = {
        "cause": change.type,
        "status": after.status,
        "active_participant_id": after.active_participant_id,
        "cycle_number": after.cycle_number,
        "active_item_id": active_item_id(after),
        "time_remaining_ms": change.time_remaining_ms,
        "over_ms": change.over_ms or None,
        "extended_by_ms": (change.metadata or {}).get("extended_by_ms"),
    }
    return {name: value for name, value in view.items() if value is not None}
