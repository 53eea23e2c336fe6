"""A session's clocks at an instant, computed from the timestamps in its last state.

No ticks are counted, so clocks can't drift. All functions are pure; `at` is server time, ms.
"""

from synckairos.api_types import Group, Participant, SessionState, timestamp_ms

TERMINAL = frozenset({"expired", "completed", "cancelled"})


def is_terminal(state: SessionState) -> bool:
    """Return whether the session has ended for good."""
    return state["status"] in TERMINAL


def is_running(state: SessionState) -> bool:
    """Return whether a cycle is running."""
    return state["status"] == "running" and state["cycle_started_at"] is not None


def nearest(state: SessionState, at: float) -> float | None:
    """Return ms left on the running clock, or the one that would run; None without countdown."""
    return _left_at(state, state.get("time_remaining_ms"), runs=True, at=at)


def remaining(state: SessionState, participant_id: str, at: float) -> float | None:
    """Return ms left on the clock that applies to a participant; None if there is none."""
    one = participant_of(state, participant_id)
    if one is None:
        return None
    return _left_at(state, one.get("time_remaining_ms"), runs=_is_on_the_clock(state, one), at=at)


def remaining_of(state: SessionState, group: Group, at: float) -> float:
    """Return ms left in a group's bank."""
    return _left_at(state, group["time_remaining_ms"], runs=group["is_active"], at=at) or 0.0


def used(state: SessionState, participant_id: str, at: float) -> float | None:
    """Return ms that a participant's cycles have taken so far; None for an unknown participant."""
    one = participant_of(state, participant_id)
    if one is None:
        return None
    return one["time_used_ms"] + (_run_since(state, at) if one["is_active"] else 0.0)


def elapsed(state: SessionState, at: float) -> float:
    """Return ms that the session has run, without pauses.

    Without participants there are no used times to add up; then pauses are included.
    """
    if state["session_started_at"] is None:
        return 0.0
    if not state["participants"]:
        return _since_start(state, at)
    return sum(p["time_used_ms"] for p in state["participants"]) + _run_since(state, at)


def participant_of(state: SessionState, participant_id: str) -> Participant | None:
    """Return the participant with that id."""
    return next((p for p in state["participants"] if p["participant_id"] == participant_id), None)


def _since_start(state: SessionState, at: float) -> float:
    until = at
    if not is_running(state):
        until = timestamp_ms(state["session_completed_at"] or state["updated_at"])
    return max(0.0, until - timestamp_ms(state["session_started_at"] or state["created_at"]))


def _run_since(state: SessionState, at: float) -> float:
    """Return the running time that the state doesn't include yet. It ends when a clock is at 0."""
    if not is_running(state):
        return 0.0
    ran = _clamped(state, at) - state["server_time_ms"]
    return min(ran, state.get("time_remaining_ms", float("inf")))


def _is_on_the_clock(state: SessionState, one: Participant) -> bool:
    match state["sync_mode"]:
        case "per_group":
            return one.get("group_id") == state.get("active_group_id")
        case "global" | "count_up":
            return True
        case _:
            return one["is_active"]


def _left_at(state: SessionState, left: int | None, *, runs: bool, at: float) -> float | None:
    """A clock at zero stays at zero, even while another clock runs."""
    if left is None or not runs or left == 0 or not is_running(state):
        return left
    instant = _clamped(state, at)
    if state["deadline_at"] is None:
        return max(0.0, left - (instant - state["server_time_ms"]))
    return max(0.0, timestamp_ms(state["deadline_at"]) - instant)


def _clamped(state: SessionState, at: float) -> float:
    """The estimated server time may lag, so `at` is never before the start of the cycle."""
    assert state["cycle_started_at"]
    return max(at, timestamp_ms(state["cycle_started_at"]))
