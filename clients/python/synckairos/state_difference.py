"""The state after a change, from the state before it and the difference between them.

In a session with many individual clocks, a push has only the participants that changed, not all of
them (docs/realtime.md of the service). All functions are pure.
"""

from typing import Any, cast

from synckairos.api_types import Difference, Participant, SessionState, WireClock
from synckairos.wire_clock import shown


def apply_difference(held: SessionState | None, difference: Difference) -> SessionState | None:
    """Return the whole new state; None if `held` isn't the state that the difference refers to.

    The clocks of unchanged participants run on until the new state's instant.
    """
    new, since = difference["state"], difference["since"]
    if held is None or held["created_at"] != new["created_at"] or held["version"] != since:
        return None
    changed = {participant["participant_id"]: participant for participant in new["participants"]}
    elapsed = new["server_time_ms"] - held["server_time_ms"]
    kept = [
        _later(participant, elapsed)
        for participant in held["participants"]
        if participant["participant_id"] not in changed
    ]
    participants = sorted([*kept, *changed.values()], key=lambda one: one["participant_index"])
    return cast(SessionState, {**new, "participants": participants})


def _later(participant: Participant, elapsed: int) -> Participant:
    """Return an unchanged participant as it is `elapsed` ms later in a running session."""
    later: dict[str, Any] = {**participant}
    if participant["is_active"]:
        later["time_used_ms"] += elapsed
    if (remaining := participant.get("time_remaining_ms")) is not None:
        later["time_remaining_ms"] = max(0, remaining - elapsed)
    if sent := participant.get("clock"):
        later["clock"] = clock = _later_clock(sent, elapsed)
        # Without a limit, the time that remains is that until the participant's closing time.
        if "total_time_ms" in participant:
            later["time_remaining_ms"] = clock["left_ms"]
    return cast(Participant, later)


def _later_clock(clock: WireClock, elapsed: int) -> WireClock:
    """Return the same line, described from `elapsed` ms later on."""
    hold_ms = max(0, clock.get("hold_ms", 0) - elapsed)
    left_ms = shown(clock, 0, elapsed)
    later: dict[str, Any] = {**clock, "left_ms": left_ms, "hold_ms": hold_ms}
    if not hold_ms:
        del later["hold_ms"]
        if not left_ms and clock["rate"] < 0:
            later["rate"] = 0
    return cast(WireClock, later)
