"""A session as a frozen value.

Every clock is stored as what it showed at the anchor, `cycle_started_at`; what it shows at
another instant is worked out in `timekeeping`. A field named `*_left_ms` or `bank_ms` counts
toward zero and is at zero exactly when that clock has expired.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Self

from shared.domain.frozen import dataclass, replace
from shared.domain.naming import session_name
from shared.domain.units import Instant, Millis


class SyncMode(StrEnum):
    """Which clock runs; each mode's rules are a class in `clocks`."""

    __hash__ = str.__hash__  # that of `Enum` is written in Python

    PER_PARTICIPANT = "per_participant"
    PER_CYCLE = "per_cycle"
    PER_GROUP = "per_group"
    GLOBAL = "global"
    COUNT_UP = "count_up"


class Status(StrEnum):
    """Where a session is in its life; the last three end it."""

    PENDING = "pending"
    RUNNING = "running"
    PAUSED = "paused"
    EXPIRED = "expired"
    COMPLETED = "completed"
    CANCELLED = "cancelled"

    @property
    def is_terminal(self) -> bool:
        """Whether nothing can happen to the session any more, short of its deletion."""
        return self in _TERMINAL


_TERMINAL = (Status.EXPIRED, Status.COMPLETED, Status.CANCELLED)


class TimeoutKind(StrEnum):
    """What a flag fall leads to."""

    NOTIFY = "notify"
    SKIP_CYCLE = "skip_cycle"
    AUTO_ACTION = "auto_action"
    END_SESSION = "end_session"


@dataclass(frozen=True, slots=True)
class TimeoutAction:
    """The configured action; `extra` holds the application's own keys, kept and handed back."""

    type: TimeoutKind = TimeoutKind.NOTIFY
    extra: Mapping[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        """The action as its creator wrote it."""
        return {"type": self.type.value, **(self.extra or {})}


@dataclass(frozen=True)
class Participant:
    """One who takes part. `bank_ms` is None where the mode gives it no time of its own."""

    participant_id: str
    participant_index: int
    bank_ms: Millis | None = None
    group_id: str | None = None
    used_ms: Millis = Millis(0)
    cycle_count: int = 0
    next_cycle_ms: Millis | None = None
    """In `per_cycle`: the length of its next cycle alone, after its clock was adjusted."""


@dataclass(frozen=True)
class Group:
    """Participants who share one bank."""

    group_id: str
    bank_ms: Millis
    last_player_id: str | None = None


@dataclass(frozen=True)
class Session:
    """All that there is to know of a session; a change makes a new one."""

    session_id: str
    sync_mode: SyncMode
    created_at: Instant
    updated_at: Instant
    participants: tuple[Participant, ...] = ()
    groups: tuple[Group, ...] = ()

    total_time_ms: Millis | None = None
    time_per_cycle_ms: Millis | None = None
    increment_ms: Millis = Millis(0)
    max_time_ms: Millis | None = None
    auto_advance: bool = False
    action_on_timeout: TimeoutAction = TimeoutAction()
    warn_at_ms: tuple[Millis, ...] = ()
    metadata: Mapping[str, Any] | None = None

    tenant: str | None = None
    owner: str | None = None
    """The host who created it, where it was one."""
    participants_may_pause: bool = False

    version: int = 1
    status: Status = Status.PENDING
    active_participant_id: str | None = None
    cycle_number: int = 0
    session_started_at: Instant | None = None
    session_completed_at: Instant | None = None

    cycle_started_at: Instant | None = None
    """The anchor: set exactly while the session is running."""
    cycle_left_ms: Millis | None = None
    session_left_ms: Millis | None = None
    cycle_used_ms: Millis = Millis(0)
    used_ms: Millis = Millis(0)
    warned: tuple[Instant, Millis, int] | None = None
    """The last warning since the anchor: when, at which threshold, of which running clock."""

    @property
    def name(self) -> str:
        """What the session is called among those of all tenants."""
        return session_name(self.session_id, self.tenant)

    @property
    def advances_itself(self) -> bool:
        """Whether the next cycle begins without a command when a clock reaches zero."""
        kind = self.action_on_timeout.type
        if kind is TimeoutKind.END_SESSION:
            return False
        return self.auto_advance or kind is not TimeoutKind.NOTIFY

    @property
    def active(self) -> Participant | None:
        """The participant whose cycle it is."""
        active_id = self.active_participant_id
        if active_id is None:
            return None
        for participant in self.participants:
            if participant.participant_id == active_id:
                return participant
        return None

    def find(self, participant_id: str) -> Participant | None:
        """The participant of that id."""
        for participant in self.participants:
            if participant.participant_id == participant_id:
                return participant
        return None

    def group(self, group_id: str | None) -> Group | None:
        """The group of that id."""
        for group in self.groups:
            if group.group_id == group_id:
                return group
        return None

    def with_participant(self, changed: Participant) -> Self:
        """This session with `changed` in the place of the participant of the same id."""
        return replace(self, participants=self.participants_with(changed))

    def participants_with(self, changed: Participant) -> tuple[Participant, ...]:
        """The participants, with `changed` in the place of the one of the same id."""
        changed_id = changed.participant_id
        return tuple([changed if p.participant_id == changed_id else p for p in self.participants])

    def with_group(self, changed: Group) -> Self:
        """This session with `changed` in the place of the group of the same id."""
        groups = tuple(changed if g.group_id == changed.group_id else g for g in self.groups)
        return replace(self, groups=groups)
