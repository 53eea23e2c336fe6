"""Session states and messages for the tests of the clients."""

from datetime import UTC, datetime
from typing import Any, cast

from synckairos.api_types import Message, SessionState, WireClock

T0 = 1_760_000_000_000
ADA, BEN = "ada", "ben"


def timestamp(ms: float) -> str:
    """Return an instant in the API's format."""
    instant = datetime.fromtimestamp(ms / 1000, UTC)
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def clock(left_ms: int, rate: int = 0, **more: Any) -> WireClock:
    """Return a clock that shows `left_ms` and runs at `rate`."""
    return cast(WireClock, {"left_ms": left_ms, "rate": rate, **more})


def participant(name: str, remaining_ms: int | None, **more: Any) -> dict[str, Any]:
    """Return a participant with `remaining_ms`; None: without a clock.

    The clock of an active participant runs down.
    """
    fields: dict[str, Any] = {
        "participant_id": name,
        "participant_index": 0,
        "time_used_ms": 0,
        "is_active": False,
        "cycle_count": 0,
        "has_expired": remaining_ms == 0,
    }
    if remaining_ms is not None:
        rate = -1 if more.get("is_active") and remaining_ms else 0
        fields |= {"time_remaining_ms": remaining_ms, "clock": clock(remaining_ms, rate)}
    return {**fields, **more}


def session_state(version: int = 2, **more: Any) -> SessionState:
    """Return a chess session at `T0`: Ada is active and has 10 s left.

    The clocks stand still unless the session is running.
    """
    rate = 1 if more.get("status", "running") == "running" else 0
    running = clock(10_000, -rate)
    participants = [
        participant(ADA, 10_000, is_active=True, clock=running),
        participant(BEN, 9_000),
    ]
    fields = {
        "session_id": "s",
        "sync_mode": "per_participant",
        "status": "running",
        "version": version,
        "participants": participants,
        "active_participant_id": ADA,
        "time_per_cycle_ms": None,
        "cycle_number": 1,
        "cycle_started_at": timestamp(T0),
        "session_started_at": timestamp(T0),
        "session_completed_at": None,
        "created_at": timestamp(T0 - 1),
        "updated_at": timestamp(T0),
        "server_time_ms": T0,
        "deadline_at": timestamp(T0 + 10_000),
        "time_remaining_ms": 10_000,
        "clock": running,
        "elapsed_clock": clock(0, rate),
        "action_on_timeout": {"type": "notify"},
    }
    return cast(SessionState, {**fields, **more})


def update_message(version: int, **more: Any) -> Message:
    """Return the push of a state."""
    return {
        "type": "STATE_UPDATE",
        "state": session_state(version, **more),
        "cause": "cycle_switched",
    }


def sync_message(version: int, **more: Any) -> Message:
    """Return the message with a requested state."""
    return {"type": "STATE_SYNC", "state": session_state(version, **more)}


def pong_message(version: int | None) -> Message:
    """Return the response to a ping; None: the server knows no version."""
    return {"type": "PONG"} | ({} if version is None else {"version": version})
