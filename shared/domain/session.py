"""A session as an immutable value.

Clocks are stored as they stood at the anchor, `cycle_started_at`; `timekeeping` calculates them
for another instant. A clock (`*_left_ms`, or `bank_ms` where the mode uses it up) counts down to
zero and has expired if and only if it is zero or, where a session counts overruns, below zero.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Self

from shared.domain.individual_clock import IndividualClock, IndividualSettings
from shared.domain.lag import Lag
from shared.domain.programme import OnEnd, Place, Programme
from shared.domain.scheduled_command import ScheduledCommand
from shared.domain.soft_close import SoftClose
from shared.domain.time_budget import EMPTY, Reserve, Sources, TimeBudget
from shared.domain.time_control import StartOn, TimeControl, fischer
from shared.domain.units import DAY, Instant, Millis
from shared.domain.values import Value, remembered_property, replace
from shared.domain.virtual_clock import VirtualClock

MAX_OVERRUN = DAY
"""The most time that a clock counts below zero."""


class SyncMode(StrEnum):
    """Which clock runs. The rules of each mode are a class in `clocks`."""

    __hash__ = str.__hash__  # faster than that of `Enum`, which is written in Python

    PER_PARTICIPANT = "per_participant"
    PER_CYCLE = "per_cycle"
    PER_GROUP = "per_group"
    GLOBAL = "global"
    COUNT_UP = "count_up"
    INDIVIDUAL = "individual"


class Status(StrEnum):
    """Status of a session; the last three are terminal."""

    PENDING = "pending"
    RUNNING = "running"
    PAUSED = "paused"
    EXPIRED = "expired"
    COMPLETED = "completed"
    CANCELLED = "cancelled"

    @property
    def is_terminal(self) -> bool:
        """Whether the session has ended, so that it can only be deleted."""
        return self in _TERMINAL

    @property
    def is_ongoing(self) -> bool:
        """Whether the session has begun and not ended."""
        return self is Status.RUNNING or self is Status.PAUSED


_TERMINAL = (Status.EXPIRED, Status.COMPLETED, Status.CANCELLED)


class TimeoutKind(StrEnum):
    """The effect of a clock that reaches zero."""

    NOTIFY = "notify"
    SKIP_CYCLE = "skip_cycle"
    AUTO_ACTION = "auto_action"
    END_SESSION = "end_session"


class TimeoutAction(Value, frozen=True):
    """The configured action; `extra` holds the application's own keys, returned unchanged."""

    type: TimeoutKind = TimeoutKind.NOTIFY
    extra: Mapping[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the action as one flat object, as in the API."""
        return {"type": self.type, **(self.extra or {})}


class Participant(Value, frozen=True, kw_only=True):
    """A participant. `bank_ms` is None if it has no time of its own."""

    participant_id: str
    participant_index: int
    bank_ms: Millis | None = None
    group_id: str | None = None
    used_ms: Millis
    cycle_count: int
    next_cycle_ms: Millis | None = None
    """In `per_cycle`: length of its next cycle only, set by adjusting its clock."""
    time_control: TimeControl | None = None
    """Replaces the session's for this participant."""
    reserve: Reserve = EMPTY
    name: str | None = None
    is_retired: bool = False
    """Whether it takes no more turns."""
    individual: IndividualClock | None = None
    """Its clock, set if and only if the mode is `individual`."""


class Group(Value, frozen=True):
    """Participants who share one bank."""

    group_id: str
    bank_ms: Millis
    last_player_id: str | None = None
    time_control: TimeControl | None = None
    """Replaces the session's for this group."""
    reserve: Reserve = EMPTY
    name: str | None = None


BankOwner = Participant | Group
"""The owner of a bank."""


def sources_in(owner: BankOwner) -> Sources:
    """Return the time in an owner's bank and reserve."""
    return Sources(owner.bank_ms or Millis(0), owner.reserve)


class RestOfSwitch(Value, frozen=True):
    """The rarer part of a `SwitchRecord`: values just before the switch.

    `was_corrected` and `was_adjusted` are the session's `is_corrected` and `is_adjusted`, and
    `idle_ms` is its `cycle_idle_ms`. `turn_start` holds the sources with which the ended turn
    began, if they can't be calculated; `next_cycle_ms` and `last_player_id` belong to the
    participant whose turn began. `place` and `over_ms` are those of the ended item of a programme.
    The switch extended the clock by `extended_by_ms`, and moved `ends_at` by `end_moved_by_ms`.
    """

    was_corrected: bool = False
    was_adjusted: bool = False
    idle_ms: Millis = Millis(0)
    turn_start: Sources | None = None
    ended_reserve: Reserve = EMPTY
    begun_reserve: Reserve = EMPTY
    cycle_left_ms: Millis | None = None
    session_left_ms: Millis | None = None
    start_left_ms: Millis | None = None
    next_cycle_ms: Millis | None = None
    last_player_id: str | None = None
    place: Place | None = None
    over_ms: Millis = Millis(0)
    extensions: int = 0
    extended_by_ms: Millis = Millis(0)
    end_moved_by_ms: Millis = Millis(0)


NO_REST = RestOfSwitch()


class SwitchRecord(Value, frozen=True, array_like=True):
    """A switch that can be undone: the values just before it, in few bytes (see `switch_record`).

    `ended` and `begun` are the indexes of the participants whose turn it ended and began. The turn
    took `spent_ms`.
    """

    ended: int | None
    begun: int | None
    spent_ms: Millis
    ended_bank_ms: Millis | None
    begun_bank_ms: Millis | None
    rest: RestOfSwitch | None = None


class Session(Value, frozen=True, kw_only=True, gc=True, dict=True):
    """The complete state of a session. Each change makes a new value, which can keep results
    (`remembered`).

    Fields that the audit trail's tables are filled from have no default, so that every snapshot has
    them; the same holds for `Participant`.
    """

    session_id: str
    sync_mode: SyncMode
    created_at: Instant
    updated_at: Instant
    participants: tuple[Participant, ...] = ()
    groups: tuple[Group, ...] = ()

    total_time_ms: Millis | None = None
    time_per_cycle_ms: Millis | None = None
    increment_ms: Millis = Millis(0)
    time_control: TimeControl | None = None
    max_time_ms: Millis | None = None
    auto_advance: bool = False
    action_on_timeout: TimeoutAction = TimeoutAction()
    warn_at_ms: tuple[Millis, ...] = ()
    metadata: Mapping[str, Any] | None = None

    start_at: Instant | None = None
    """The instant at which the pending session starts without a command."""
    warn_before_start_ms: tuple[Millis, ...] = ()
    ends_at: Instant | None = None
    """The instant at which the session ends at the latest (see `schedule`)."""
    moves_with_pause: bool = False
    """Whether a pause moves `ends_at`."""
    paused_at: Instant | None = None
    """The beginning of a pause that moves `ends_at`, or the last move during it."""
    extend_on_switch: SoftClose | None = None
    extensions: int = 0
    """How often switches have extended the clock (see `extension`)."""

    scheduled: ScheduledCommand | None = None
    """The command that takes effect at a later instant (see `scheduling`)."""

    tenant: str | None = None
    owner: str | None = None
    """The host who created it; None if a service did."""
    participants_may_pause: bool = False
    participants_may_give_ms: Millis = Millis(0)
    """The most that a participant may add to another one's clock in one request; 0: nothing."""

    version: int
    status: Status
    active_participant_id: str | None = None
    cycle_number: int = 0
    session_started_at: Instant | None = None
    session_completed_at: Instant | None = None

    cycle_started_at: Instant | None = None
    """The anchor, set if and only if the session is running."""
    cycle_left_ms: Millis | None = None
    session_left_ms: Millis | None = None
    cycle_used_ms: Millis = Millis(0)
    cycle_idle_ms: Millis = Millis(0)
    """Time of the running cycle for which the session ran, but the cycle's clock stood still."""
    used_ms: Millis = Millis(0)
    start_left_ms: Millis | None = None
    """Time left for the first turn, without which the session is cancelled."""
    switches: tuple[SwitchRecord, ...] = ()
    """The last switches that can be undone, the newest last."""
    is_corrected: bool = False
    """Whether the session was paused since the last switch, or as an earlier release noted,
    corrected."""
    is_adjusted: bool = False
    """Whether a clock was set or a participant joined or forfeited since the last switch."""
    turn_start: Sources | None = None
    """The sources with which the turn began, if they can't be calculated from the bank."""
    warned: tuple[Instant, Millis, int] | None = None
    """The rank of the last warning or period end since the anchor (see `UpcomingNotice`)."""
    lag: Lag | None = None
    """Lag compensation; None if it is off."""
    individual: IndividualSettings | None = None
    """The settings of `individual`, set if and only if that is the mode."""
    programme: Programme | None = None
    """In `global`: the items that the cycles are."""
    overtime: bool = False
    """Whether clocks count overruns: time below zero."""
    virtual_clock: VirtualClock | None = None
    """Set if and only if this is a test session."""

    @property
    def name(self) -> str:
        """The session's id qualified by its tenant, unique across all tenants."""
        return session_name(self.session_id, self.tenant)

    @property
    def auto_advances(self) -> bool:
        """Whether a clock that reaches zero begins the next cycle without a command.

        In a programme, the running item says so.
        """
        if self.programme:
            return self.programme.current.on_end is OnEnd.NEXT
        kind = self.action_on_timeout.type
        if kind is TimeoutKind.END_SESSION:
            return False
        return self.auto_advance or kind is not TimeoutKind.NOTIFY

    @property
    def full_cycle_ms(self) -> Millis | None:
        """In `global`: the time with which the running cycle began, ms; None without any."""
        return self.programme.current.duration_ms if self.programme else self.time_per_cycle_ms

    @property
    def counts_overrun(self) -> bool:
        """Whether the running clock goes on below zero, instead of standing still at zero."""
        return self.overtime and not self.auto_advances

    @property
    def control(self) -> TimeControl:
        """The time control of participants and groups that have none of their own."""
        if self.time_control is not None:
            return self.time_control
        return fischer(self.increment_ms)

    @property
    def awaits_first_turn(self) -> bool:
        """Whether the clocks stand still until the first switch."""
        control = self.time_control
        return (
            control is not None
            and control.start_on is StartOn.FIRST_TURN
            and self.cycle_number == 1
            and not self.status.is_terminal
        )

    @property
    def has_planned_instants(self) -> bool:
        """Whether an instant is set at which clocks begin or cease to run without a command."""
        return self.start_at is not None or self.ends_at is not None or self.scheduled is not None

    def next_version(self, at: Instant) -> Self:
        """Return the session with its version increased by 1 and updated at `at`."""
        return replace(self, version=self.version + 1, updated_at=at)

    def budget_of(self, owner: Participant | Group) -> TimeBudget:
        """Return the time that a participant or group may use."""
        control = owner.time_control or self.control
        return TimeBudget(control, owner.bank_ms or Millis(0), owner.reserve)

    @remembered_property
    def active(self) -> Participant | None:
        """The active participant, if there is one."""
        active_id = self.active_participant_id
        if active_id is None:
            return None
        for participant in self.participants:
            if participant.participant_id == active_id:
                return participant
        return None

    def find(self, participant_id: str) -> Participant | None:
        """Return the participant with that id, or None."""
        for participant in self.participants:
            if participant.participant_id == participant_id:
                return participant
        return None

    def by_index(self, participant_index: int | None) -> Participant | None:
        """Return the participant with that `participant_index`, or None."""
        for participant in self.participants:
            if participant.participant_index == participant_index:
                return participant
        return None

    def group(self, group_id: str | None) -> Group | None:
        """Return the group with that id, or None."""
        for group in self.groups:
            if group.group_id == group_id:
                return group
        return None

    def with_participant(self, changed: Participant) -> Self:
        """Return the session with `changed` replacing the participant of the same id."""
        return replace(self, participants=self.participants_replacing(changed))

    def participants_replacing(self, changed: Participant) -> tuple[Participant, ...]:
        """Return the participants with `changed` replacing the one of the same id."""
        changed_id = changed.participant_id
        return tuple([changed if p.participant_id == changed_id else p for p in self.participants])

    def with_group(self, changed: Group) -> Self:
        """Return the session with `changed` replacing the group of the same id."""
        groups = tuple(changed if g.group_id == changed.group_id else g for g in self.groups)
        return replace(self, groups=groups)


_SEPARATOR = ":"
"""Occurs in no tenant's name and in no UUID."""


def session_name(session_id: str, tenant: str | None = None) -> str:
    """Return the session's id, prefixed with its tenant's name if it has a tenant.

    Two tenants may use the same id for unrelated sessions.
    """
    return f"{tenant}{_SEPARATOR}{session_id}" if tenant else session_id


def tenant_and_id(name: str) -> tuple[str | None, str]:
    """The inverse of `session_name`."""
    tenant, _, session_id = name.rpartition(_SEPARATOR)
    return tenant or None, session_id
