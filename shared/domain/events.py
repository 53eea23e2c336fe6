"""Events of a session:

one `SessionChange` for each version, and notices (warnings, period ends), which make no version.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from shared.domain.clocks import ClockOwner
from shared.domain.session import Session
from shared.domain.units import Instant, Millis
from shared.domain.values import Value


class EventType(StrEnum):
    """Event names in the audit trail, and the `cause` of a `STATE_UPDATE`."""

    __hash__ = str.__hash__  # faster than that of `Enum`, which is written in Python

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
    SWITCH_UNDONE = "switch_undone"
    TIME_ADJUSTED = "time_adjusted"
    SESSION_UPDATED = "session_updated"
    PARTICIPANT_UPDATED = "participant_updated"
    PARTICIPANT_REMOVED = "participant_removed"
    PARTICIPANT_BEGUN = "participant_begun"
    PARTICIPANT_FINISHED = "participant_finished"
    PARTICIPANT_REOPENED = "participant_reopened"
    PARTICIPANT_PAUSED = "participant_paused"
    PARTICIPANT_RESUMED = "participant_resumed"
    PARTICIPANT_CLOSED = "participant_closed"
    COMMAND_SCHEDULED = "command_scheduled"
    COMMAND_UNSCHEDULED = "command_unscheduled"
    SESSION_ADVANCED = "session_advanced"
    SESSION_DELETED = "session_deleted"


class Expiry(Value, frozen=True):
    """The owner of a clock that reached zero, and the action applied, with the winner if any."""

    side: ClockOwner
    action_applied: Mapping[str, Any]


class SessionChange(Value, frozen=True):
    """One new version of a session, with the data of its audit event.

    `side` is the participant, group or session concerned, `time_remaining_ms` the time left on its
    clock and `time_elapsed_ms` the time that the cycle has used, both before a next cycle begins.
    `over_ms` is by how much that clock was below zero. `is_automatic` if no command made it.
    """

    type: EventType
    session: Session
    occurred_at: Instant
    side: ClockOwner = ClockOwner()
    time_remaining_ms: Millis | None = None
    time_elapsed_ms: Millis | None = None
    expiry: Expiry | None = None
    metadata: Mapping[str, Any] | None = None
    is_automatic: bool = False
    over_ms: Millis = Millis(0)


class TimeWarning(Value, frozen=True):
    """A clock came down to a `warn_at_ms` threshold, which is below zero in an overrun.

    The version stays the same. With `is_before_start` it is the time until `start_at`, and a
    `warn_before_start_ms` threshold.
    """

    session: Session
    occurred_at: Instant
    threshold_ms: Millis
    side: ClockOwner = ClockOwner()
    is_before_start: bool = False


class PeriodEnded(Value, frozen=True):
    """An overtime period was used up, and `periods_left` are left. The version stays the same."""

    session: Session
    occurred_at: Instant
    periods_left: int
    side: ClockOwner = ClockOwner()


SessionStep = SessionChange | TimeWarning | PeriodEnded
