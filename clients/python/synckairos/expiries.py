"""Expiries (flag falls): each is reported once, even if its message is late or lost."""

from collections import deque
from dataclasses import dataclass

from synckairos.api_types import Message, SessionState, timestamp_ms
from synckairos.events import Expired
from synckairos.timing import EXPIRY_GRACE_MS, MAX_EXPIRIES

_SHARED = ("global", "count_up")

Owner = tuple[str | None, str | None]
"""Participant id and group id; with neither, the session."""


@dataclass(frozen=True, slots=True)
class _Expiry:
    """A clock expired after `since` and not after `until`, server ms."""

    owner: Owner
    since: float
    until: float

    def matches(self, other: "_Expiry") -> bool:
        """Return whether both may be the same expiry.

        A state doesn't show which of two shared clocks expired.
        """
        is_same = self.owner == other.owner or (None, None) in (self.owner, other.owner)
        return is_same and self.since < other.until and other.since < self.until


@dataclass(frozen=True, slots=True)
class _Pending:
    expiry: _Expiry
    event: Expired
    due: float


class ExpiryTracker:
    """Remembers which expiries were reported."""

    def __init__(self) -> None:
        self._reported: deque[_Expiry] = deque(maxlen=MAX_EXPIRIES)
        self._pending: list[_Pending] = []

    @property
    def due(self) -> float | None:
        """When to call `take_overdue` next, on the clock of `now`."""
        return min((pending.due for pending in self._pending), default=None)

    def message_received(self, message: Message) -> list[Expired]:
        """Return the events to emit for a `TIME_EXPIRED` message."""
        deadline_ms: float = message["deadline_ms"]
        owner = (message.get("participant_id"), message.get("group_id"))
        expiry = _Expiry(owner, deadline_ms - 1, deadline_ms)
        if self._is_reported(expiry):
            return []
        self._pending = [pending for pending in self._pending if not pending.expiry.matches(expiry)]
        self._reported.append(expiry)
        return [Expired(*owner, deadline_ms, message.get("action_applied"))]

    def state_received(
        self, previous: SessionState, state: SessionState, now: float, *, waits: bool
    ) -> list[Expired]:
        """Return the events to emit for a newer state; `waits`: a message may still come."""
        events = []
        for owner in _expired_owners(previous, state):
            deadline_ms = _deadline(previous, state)
            is_next = state["version"] == previous["version"] + 1
            exact = is_next and deadline_ms == _deadline_of(previous)
            since = deadline_ms - 1 if exact else previous["server_time_ms"]
            expiry = _Expiry(owner, since, deadline_ms if exact else state["server_time_ms"])
            event = Expired(*owner, deadline_ms, state["action_on_timeout"])
            if self._is_reported(expiry) or any(
                pending.expiry.matches(expiry) for pending in self._pending
            ):
                continue
            if waits:
                self._pending.append(_Pending(expiry, event, now + EXPIRY_GRACE_MS))
            else:
                self._reported.append(expiry)
                events.append(event)
        return events

    def take_overdue(self, now: float) -> list[Expired]:
        """Return the events whose messages didn't come in time."""
        overdue = [pending for pending in self._pending if pending.due <= now]
        self._pending = [pending for pending in self._pending if pending.due > now]
        self._reported.extend(pending.expiry for pending in overdue)
        return [pending.event for pending in overdue]

    def _is_reported(self, expiry: _Expiry) -> bool:
        return any(reported.matches(expiry) for reported in self._reported)


def _expired_owners(previous: SessionState, state: SessionState) -> set[Owner]:
    """Return whose clocks expired between two states, as far as the states show it."""
    owners = _newly_expired(previous, state)
    if _cycle_was_skipped(previous, state):
        # The clock of the skipped participant may already be full again.
        owners |= {(previous["active_participant_id"], None)} if not owners else set()
    return owners


def _newly_expired(previous: SessionState, state: SessionState) -> set[Owner]:
    mode = state["sync_mode"]
    if mode in _SHARED:
        return _shared_expiry(previous, state)
    if mode == "per_group":
        were = {g["group_id"] for g in previous.get("groups", ()) if g["has_expired"]}
        groups = (g for g in state.get("groups", ()) if g["has_expired"])
        return {(None, g["group_id"]) for g in groups if g["group_id"] not in were}
    were = {p["participant_id"] for p in previous["participants"] if p["has_expired"]}
    people = (p for p in state["participants"] if p["has_expired"])
    return {(p["participant_id"], None) for p in people if p["participant_id"] not in were}


def _shared_expiry(previous: SessionState, state: SessionState) -> set[Owner]:
    """Return the expired shared clock: the session's, or the current cycle's."""
    if state["status"] == "expired" and previous["status"] != "expired":
        return {(None, None)}
    was, is_ = (any(p["has_expired"] for p in s["participants"]) for s in (previous, state))
    owner = previous["active_participant_id"] or previous.get("starts_with")
    return {(owner, None)} if is_ and not was else set()


def _cycle_was_skipped(previous: SessionState, state: SessionState) -> bool:
    """Return whether the next cycle began exactly at the deadline of the one before."""
    return (
        previous["status"] == "running"
        and previous["deadline_at"] is not None
        and previous["deadline_at"] == state["cycle_started_at"]
        and state["cycle_number"] > previous["cycle_number"]
        and state["sync_mode"] in ("per_cycle", "global")
    )


def _deadline(previous: SessionState, state: SessionState) -> float:
    """Return when the clock expired: at the known deadline, unless a missed change moved it."""
    ahead = _deadline_of(previous)
    if ahead is not None and ahead <= state["server_time_ms"]:
        return ahead
    return timestamp_ms(state["updated_at"])


def _deadline_of(state: SessionState) -> float | None:
    return timestamp_ms(state["deadline_at"]) if state["deadline_at"] else None
