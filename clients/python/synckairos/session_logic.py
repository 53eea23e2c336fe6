"""Decides how to react to messages, reads and the passing of time, without I/O.

Methods take `now`, on a monotonic clock in ms, and return the effects to carry out.
"""

import random

from synckairos.api_types import Message, SessionState, TransportName, timestamp_ms
from synckairos.backoff import Random, spread
from synckairos.effects import Effect, Emit, Read, Resync
from synckairos.errors import ApiError
from synckairos.events import (
    Deleted,
    Existence,
    PeriodEnded,
    PresenceChanged,
    Source,
    Update,
    Warned,
)
from synckairos.expiries import ExpiryTracker
from synckairos.state_check import StateCheck
from synckairos.state_difference import apply_difference
from synckairos.timing import GAP_MS, SWITCH_PUSH_WAIT_MS, WHOLE_READ_EVERY
from synckairos.versions import Versions, is_newer, is_next


class SessionLogic:
    """One client's view of one session."""

    def __init__(self, rng: Random = random.random) -> None:
        self.state: SessionState | None = None
        self.existence: Existence = "unknown"
        self.refusal: ApiError | None = None
        self._rng = rng
        self._versions = Versions()
        self._expiries = ExpiryTracker()
        self._check = StateCheck(rng)
        self._newest_at_read = self._reads = 0
        self._got_state_since_read = self._deleted_since_read = False
        self._deleted_created_at: str | None = None
        self._is_pushed = False

    @property
    def version_for_read(self) -> int | None:
        """The held version, for a conditional read; None for an unconditional one."""
        is_whole = self._reads % WHOLE_READ_EVERY == 0
        return self.state["version"] if self.state and not is_whole else None

    def begin(self) -> None:
        """Start to follow, or start again after a close."""
        self._check = StateCheck(self._rng)
        if self.existence == "refused":
            self.existence, self.refusal = "unknown", None

    def joined(self, kind: TransportName, now: float) -> None:
        """A transport is live. If it doesn't send the state on joining, read the session."""
        self._check.joined(kind, now)

    def left(self, kind: TransportName | None, now: float) -> None:
        """No pushes arrive, so poll; `kind` is `polling` when no transport is being tried."""
        self._check.left(now, at_once=kind == "polling")

    def receive(self, message: Message, now: float) -> list[Effect]:
        """Handle a message from a transport."""
        match message.get("type"):
            case "STATE_UPDATE":
                return self._pushed(message, now)
            case "STATE_SYNC":
                return self._synced(message, now)
            case "TIME_EXPIRED" if not self._is_outdated(message.get("deadline_ms")):
                return [Emit(event) for event in self._expiries.message_received(message)]
            case "TIME_WARNING":
                return [Emit(_warning(message))]
            case "PERIOD_ENDED":
                return [Emit(_period_ended(message))]
            case "PRESENCE":
                return [Emit(PresenceChanged(message["presence"]))]
            case "SESSION_DELETED" if not self._is_outdated(message.get("timestamp")):
                return self._deleted()
            case "PONG":
                return self._ponged(message, now)
        return []

    def action_answered(self, state: SessionState, now: float) -> list[Effect]:
        """Apply the state in the response to this client's own action."""
        return self._accept(state, "action", None, now)

    def version_noted(self, version: int, now: float) -> None:
        """This client's action created `version`, whose state isn't known yet."""
        self._versions.note(version)
        if self._versions.has_gap:
            self._check.catch_up_by(now + SWITCH_PUSH_WAIT_MS)

    def read_found(self, state: SessionState | None, now: float) -> list[Effect]:
        """A read returned a state, or None if the held state is the newest."""
        effects = self._accept(state, "read", None, now) if state else []
        self._check.read_ended(self.state, now)
        self._check.confirmed(now)
        if self.state and self._versions.newest == self._newest_at_read:
            self._versions.settle(self.state["version"])
        elif self._versions.has_gap:
            self._check.catch_up_by(now + self._gap_delay())
        return effects

    def read_found_nothing(self, now: float) -> list[Effect]:
        """A read found no session. A state that arrived during the read may be newer."""
        is_stale = self._got_state_since_read
        effects = [] if is_stale else self.session_missing(now)
        self._check.read_ended(self.state, now)
        if is_stale:
            self._check.read_by(now)
        return effects

    def session_missing(self, now: float) -> list[Effect]:
        """The session doesn't exist any more, or not yet."""
        self._check.confirmed(now)
        if self.state:
            return self._deleted()
        if self.existence == "unknown":
            self.existence = "absent"
        return []

    def subscribe_found_nothing(self, now: float) -> None:
        """The subscription request found no session: verify that with a read."""
        if self.state or self.existence == "unknown":
            self._check.read_by(now)

    def read_failed(self, now: float, retry_after_ms: float = 0.0) -> None:
        """A read failed; it is repeated after a delay."""
        self._check.read_failed(now, retry_after_ms)

    def refused(self, error: ApiError) -> None:
        """The service refuses to let this caller follow the session."""
        self.existence, self.refusal, self.state = "refused", error, None

    def rate_limit_reported(self, rate_limit_remaining: int | None) -> None:
        """A response said how much of the rate limit is left."""
        self._check.rate_limit_remaining = rate_limit_remaining

    def tick(self, now: float, server_now: float) -> list[Effect]:
        """Return the effects that are due."""
        effects: list[Effect] = [Emit(event) for event in self._expiries.take_overdue(now)]
        if self.existence == "refused":
            return effects
        if not self._versions.has_gap and self.state:
            self._check.caught_up()
        requests = self._check.take_due(self.state, now, server_now)
        if Read() in requests:
            self._reads += 1
        if requests:
            self._newest_at_read = self._versions.newest
            self._got_state_since_read = self._deleted_since_read = False
        return effects + requests

    def due(self, now: float, server_now: float) -> float:
        """Return when to call `tick` next, on the clock of `now`."""
        at = self._check.due(self.state, now, server_now)
        return at if self._expiries.due is None else min(at, self._expiries.due)

    def _pushed(self, message: Message, now: float) -> list[Effect]:
        state = self._pushed_state(message)
        if state is None:
            version = int(message["version"])
            if "difference" in message and self.state and version > self.state["version"]:
                self._check.check_often(now)
            self._note_missing(version, now)
            return []
        if is_newer(state, self.state):
            return self._accept(state, "push", message.get("cause"), now)
        if self.state and state["created_at"] == self.state["created_at"]:
            self._versions.came_late(state["version"])
            # Behind an action's response it is an echo; behind another push, out of order.
            if self._is_pushed and state["version"] < self.state["version"]:
                self._check.check_often(now)
        return []

    def _pushed_state(self, message: Message) -> SessionState | None:
        """Return the state that a push shows.

        None if the state was too large for the transport, or the difference refers to another state
        than the held one.
        """
        state: SessionState | None = message.get("state")
        if state is not None or (difference := message.get("difference")) is None:
            return state
        return apply_difference(self.state, difference)

    def _note_missing(self, version: int, now: float) -> None:
        """Record a version whose state didn't come with its message."""
        self._versions.note(version)
        self._versions.came_late(version)
        if self._versions.has_gap:
            self._check.catch_up_by(now + self._gap_delay())

    def _synced(self, message: Message, now: float) -> list[Effect]:
        self._check.ponged()
        state: SessionState | None = message.get("state")
        if state is None:  # it was too large for the transport
            self._note_missing(int(message["version"]), now)
            return []
        effects = self._accept(state, "sync", None, now)
        if self.state and state["version"] == self.state["version"]:
            self._check.confirmed(now)
        return effects

    def _accept(
        self, state: SessionState, source: Source, cause: str | None, now: float
    ) -> list[Effect]:
        """Apply a state if it is newer."""
        previous = self.state
        if not is_newer(state, previous) or self._predates_deletion(state, source):
            return []
        is_same_session = previous is not None and previous["created_at"] == state["created_at"]
        follows = is_next(state, previous)
        self.state, self.existence, self._got_state_since_read = state, "present", True
        self._is_pushed = source == "push"
        self._versions.take(state, previous, is_whole=source in ("sync", "read"))
        if source == "push" and is_same_session and not follows:
            self._check.check_often(now)
            self._check.catch_up_by(now + self._gap_delay())
        elif source == "action" and self._versions.has_gap:
            self._check.catch_up_by(now + SWITCH_PUSH_WAIT_MS)
        elif source != "action":
            self._check.confirmed(now)
        update = Update(state, previous, follows, cause, source)
        effects: list[Effect] = [Emit(update)]
        if is_same_session and previous is not None:
            waits = self._check.is_pushed
            expired = self._expiries.state_received(previous, state, now, waits=waits)
            effects += [Emit(event) for event in expired]
        return effects

    def _ponged(self, message: Message, now: float) -> list[Effect]:
        """Handle the server's newest version; it is missing if the server knows no session."""
        self._check.ponged()
        version = message.get("version")
        if self.state and version == self.state["version"]:
            self._check.confirmed(now)
            return []
        if self.state and version is not None and version > self.state["version"]:
            self._versions.note(version)
            self._check.check_often(now)
            self._check.asked(now)
            self._check.catch_up_by(now + SWITCH_PUSH_WAIT_MS)
            return [Resync()]
        self._check.read_by(now)
        return []

    def _deleted(self) -> list[Effect]:
        was_there = self.state is not None or self.existence != "deleted"
        self._deleted_created_at = (
            self.state["created_at"] if self.state else self._deleted_created_at
        )
        self._deleted_since_read = True
        self.state, self.existence, self._versions = None, "deleted", Versions()
        return [Emit(Deleted())] if was_there else []

    def _predates_deletion(self, state: SessionState, source: Source) -> bool:
        """Return whether `state` was sent before the session was deleted."""
        if self._deleted_created_at is None or state["created_at"] > self._deleted_created_at:
            return False
        return source != "read" or self._deleted_since_read

    def _is_outdated(self, instant: float | None) -> bool:
        """Return whether `instant` belongs to an earlier session with the same id."""
        return (
            self.state is not None
            and instant is not None
            and instant < timestamp_ms(self.state["created_at"])
        )

    def _gap_delay(self) -> float:
        return spread(GAP_MS, self._rng)


def _warning(message: Message) -> Warned:
    owner = message.get("participant_id"), message.get("group_id")
    before_start = message.get("before") == "start"
    return Warned(*owner, message["threshold_ms"], message["time_remaining_ms"], before_start)


def _period_ended(message: Message) -> PeriodEnded:
    owner = message.get("participant_id"), message.get("group_id")
    return PeriodEnded(*owner, message["periods_left"])
