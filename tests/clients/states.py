"""States for tests of clients."""

from datetime import UTC, datetime
from typing import Any, cast

from synckairos.states import Message, SessionState

T0 = 1_760_000_000_000
ADA, BEN = "ada", "ben"


def stamp(ms: float) -> str:
    """A timestamp as the API writes it."""
    moment = datetime.fromtimestamp(ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def person(name: str, left: int | None, **more: Any) -> dict[str, Any]:
    """A participant with `left` ms."""
    fields = {
        "participant_id": name,
        "time_used_ms": 0,
        "is_active": False,
        "cycle_count": 0,
        "has_expired": left == 0,
    }
    return {**fields, **({} if left is None else {"time_remaining_ms": left}), **more}


def session(version: int = 2, **more: Any) -> SessionState:
    """A chess game as it stands at `T0`: Ada's ten seconds run."""
    people = [person(ADA, 10_000, is_active=True), person(BEN, 9_000)]
    fields = {
        "session_id": "s",
        "sync_mode": "per_participant",
        "status": "running",
        "version": version,
        "participants": people,
        "active_participant_id": ADA,
        "time_per_cycle_ms": None,
        "cycle_number": 1,
        "cycle_started_at": stamp(T0),
        "session_started_at": stamp(T0),
        "session_completed_at": None,
        "created_at": stamp(T0 - 1),
        "updated_at": stamp(T0),
        "server_time_ms": T0,
        "deadline_at": stamp(T0 + 10_000),
        "time_remaining_ms": 10_000,
        "action_on_timeout": {"type": "notify"},
    }
    return cast(SessionState, {**fields, **more})


def update(version: int, **more: Any) -> Message:
    """The push of a state."""
    return {
        "type": "STATE_UPDATE",
        "state": session(version, **more),
        "cause": "cycle_switched",
    }


def sync(version: int, **more: Any) -> Message:
    """The state, asked for."""
    return {"type": "STATE_SYNC", "state": session(version, **more)}


def pong(version: int | None) -> Message:
    """The answer to a ping, without a version where the server knows of none."""
    return {"type": "PONG"} | ({} if version is None else {"version": version})
