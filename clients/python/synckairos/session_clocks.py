"""A session's clocks at an instant, read from the clocks in its last state.

No ticks are counted, so clocks can't drift. All functions are pure; `at` is server time, ms.
"""

from synckairos.api_types import (
    Group,
    Overtime,
    Participant,
    SessionState,
    WireClock,
    timestamp_ms,
)
from synckairos.ids import is_same_id
from synckairos.wire_clock import is_at_end, phase_count, phases_left, shown

TERMINAL = frozenset({"expired", "completed", "cancelled"})


def is_terminal(state: SessionState) -> bool:
    """Return whether the session has ended for good."""
    return state["status"] in TERMINAL


def is_running(state: SessionState) -> bool:
    """Return whether a cycle is running."""
    return state["status"] == "running" and state["cycle_started_at"] is not None


def due_at(state: SessionState) -> float | None:
    """Return when the session will change without a command; None if it won't.

    This is at its start, when a clock reaches zero, or when a scheduled command takes effect.
    """
    if is_terminal(state):
        return None
    instants = state["deadline_at"], _planned_start(state), _scheduled_at(state)
    return min((timestamp_ms(at) for at in instants if at), default=None)


def starts_in(state: SessionState, at: float) -> float | None:
    """Return ms until a pending session starts by itself; None if it doesn't."""
    scheduled = state.get("scheduled")
    is_start = scheduled is not None and scheduled["operation"] == "start"
    instants = _planned_start(state), _scheduled_at(state) if is_start else None
    starts_at = min((timestamp_ms(start) for start in instants if start), default=None)
    return None if starts_at is None else max(0, starts_at - at)


def scheduled_in(state: SessionState, at: float) -> float | None:
    """Return ms until the scheduled command takes effect; None without one."""
    scheduled_at = _scheduled_at(state)
    return None if scheduled_at is None else max(0, timestamp_ms(scheduled_at) - at)


def _planned_start(state: SessionState) -> str | None:
    return state.get("start_at") if state["status"] == "pending" else None


def _scheduled_at(state: SessionState) -> str | None:
    scheduled = state.get("scheduled")
    return None if scheduled is None else scheduled["effective_at"]


def nearest(state: SessionState, at: float) -> float | None:
    """Return ms on the clock that reaches zero next; None if none counts down."""
    return _value(state.get("clock"), state, at)


def remaining(state: SessionState, participant_id: str, at: float) -> float | None:
    """Return ms on a participant's clock; None if there is no such participant or no clock."""
    one = participant_of(state, participant_id)
    return _value(one.get("clock"), state, at) if one else None


def remaining_of(state: SessionState, group: Group, at: float) -> float | None:
    """Return ms on a group's clock; None if it has none."""
    return _value(group.get("clock"), state, at)


def shared_clocks(state: SessionState, at: float) -> tuple[float | None, float | None]:
    """Return ms on the session's clock and on the cycle's clock; None where there is none."""
    session, cycle = state.get("session_clock"), state.get("cycle_clock")
    return _value(session, state, at), _value(cycle, state, at)


def used(state: SessionState, participant_id: str, at: float) -> float | None:
    """Return ms that a participant's cycles have taken so far; None for an unknown participant."""
    one = participant_of(state, participant_id)
    if one is None or not one["is_active"]:
        return one and one["time_used_ms"]
    ran = (elapsed(state, at) or 0) - (elapsed(state, state["server_time_ms"]) or 0)
    return one["time_used_ms"] + ran


def elapsed(state: SessionState, at: float) -> float | None:
    """Return ms that the session has run, without pauses; None if an older service sent `state`."""
    return _value(state.get("elapsed_clock"), state, at)


def over(state: SessionState, participant_id: str | None, at: float) -> float | None:
    """Return by how much a participant's clock is below zero at `at`, ms.

    Without an id, that of the running clock. None if the session doesn't count time below zero, or
    has no such clock.
    """
    if not state.get("overtime"):
        return None
    if participant_id is None:
        values = [nearest(state, at), *shared_clocks(state, at)]
    else:
        values = [remaining(state, participant_id, at)]
    shown_values = [value for value in values if value is not None]
    return max(0, -min(shown_values)) if shown_values else None


def offset(state: SessionState, at: float) -> float | None:
    """Return by how much the programme is behind its plan at `at`, ms; None without one."""
    sent = state.get("offset_ms")
    if sent is None:
        return None
    grown = (over(state, None, at) or 0) - (over(state, None, state["server_time_ms"]) or 0)
    return sent + grown


def overtime(state: SessionState, owner: Participant | Group, at: float) -> Overtime | None:
    """Return the overtime of a participant or group at `at`; None if its control has none."""
    sent, clock = owner.get("overtime"), owner.get("clock")
    if sent is None or clock is None:
        return sent
    begun = _begun_since(clock, state, at)
    in_use = sent["in_use"] or begun > 0 or shown(clock, state["server_time_ms"], at) <= 0
    current: Overtime = {**sent, "in_use": in_use}
    if "periods_left" in sent:
        # The first phase that begins outside of overtime is the current period, not a lost one.
        lost = begun if sent["in_use"] else max(0, begun - 1)
        current["periods_left"] = max(0, sent["periods_left"] - lost)
    return current


def participant_of(state: SessionState, participant_id: str) -> Participant | None:
    """Return the participant with that id."""
    same = (p for p in state["participants"] if is_same_id(p["participant_id"], participant_id))
    return next(same, None)


def _begun_since(clock: WireClock, state: SessionState, at: float) -> int:
    """Return how many phases have begun since the state; the last one's end counts too."""
    instants = state["server_time_ms"], at
    is_over = is_at_end(clock, *instants)
    return phase_count(clock) - phases_left(clock, *instants) + is_over


def _value(clock: WireClock | None, state: SessionState, at: float) -> float | None:
    return None if clock is None else shown(clock, state["server_time_ms"], at)
