"""What happened: one event for each version, and the warnings, which change nothing."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from shared.domain.clocks import Side
from shared.domain.frozen import dataclass
from shared.domain.session import Session
from shared.domain.units import Instant, Millis


class EventType(StrEnum):
    """The names in the audit trail, and the `cause` of a `STATE_UPDATE`."""

    __hash__ = str.__hash__  # that of `Enum` is written in Python

    SESSION_CREATED = "session_created"
    SESSION_STARTED = "session_started"
    CYCLE_SWITCHED = "cycle_switched"
    TIME_EXPIRED = "time_expired"
    SESSION_PAUSED = "session_paused"
    SESSION_RESUMED = "session_resumed"
    SESSION_COMPLETED = "session_completed"
    SESSION_CANCELLED = "session_cancelled"
    PARTICIPANT_ADDED = "participant_added"
    PARTICIPANT_TIME_ADJUSTED = "participant_time_adjusted"
    SESSION_DELETED = "session_deleted"


@dataclass(frozen=True, slots=True)
class Expiry:
    """Whose clock reached zero, and the configured action, with the winner where there is one."""

    side: Side
    action_applied: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """One version step: the session it left and the event it is in the audit trail.

    `side` is whom it concerns, `time_remaining_ms` what that one's clock showed and
    `time_elapsed_ms` how long the cycle had used, both just before anything fresh began.
    """

    type: EventType
    session: Session
    occurred_at: Instant
    side: Side = Side()
    time_remaining_ms: Millis | None = None
    time_elapsed_ms: Millis | None = None
    expiry: Expiry | None = None
    metadata: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Warned:
    """A clock came down to a `warn_at_ms` threshold; no new version."""

    session: Session
    occurred_at: Instant
    threshold_ms: Millis
    side: Side = Side()


Step = Change | Warned
