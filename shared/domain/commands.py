"""Commands on a session, as values."""

from collections.abc import Mapping
from typing import Any

from shared.domain.clock_adjustment import EVERY_CLOCK as EVERY_CLOCK
from shared.domain.clock_adjustment import AdjustClocks as AdjustClocks
from shared.domain.clock_adjustment import ClockTarget as ClockTarget
from shared.domain.individual_clock import STANDARD, Allowance, IndividualSettings
from shared.domain.lag import Lag
from shared.domain.programme import Programme
from shared.domain.session import SyncMode, TimeoutAction
from shared.domain.soft_close import SoftClose
from shared.domain.time_control import TimeControl
from shared.domain.undo import UndoMode
from shared.domain.units import Instant, Millis
from shared.domain.values import Value


class NewParticipant(Value, frozen=True):
    """A participant to add. `participant_index` defaults to its position."""

    participant_id: str
    participant_index: int | None = None
    total_time_ms: Millis | None = None
    group_id: str | None = None
    time_control: TimeControl | None = None
    name: str | None = None
    allowance: Allowance = STANDARD


class NewGroup(Value, frozen=True):
    """A group with a bank of its own; by default the bank is the sum of its members' banks."""

    group_id: str
    total_time_ms: Millis
    time_control: TimeControl | None = None
    name: str | None = None


class BeginParticipants(Value, frozen=True):
    """Let participants begin at one instant; none named: all who have not begun.

    `metadata`, if given, replaces the session's, as for the number of a question.
    """

    participants: tuple[str, ...] = ()
    metadata: Mapping[str, Any] | None = None


class FinishParticipant(Value, frozen=True):
    """Record that a participant has finished."""

    participant_id: str


class ReopenParticipant(Value, frozen=True):
    """Undo that a participant finished or was closed."""

    participant_id: str
    reason: str | None = None


class PauseParticipant(Value, frozen=True):
    """Stop the clock of one participant."""

    participant_id: str
    reason: str | None = None


class ResumeParticipant(Value, frozen=True):
    """Let the clock of a paused participant run again."""

    participant_id: str
    reason: str | None = None


class Create(Value, frozen=True):
    """Create a session. Each field was validated on its own; `create` checks them together.

    `default_bank_ms` is the bank of each participant, or group, for which no time is given.
    `individual` is for that mode only; with `allow_cut` a limit may end after the closing time.
    """

    session_id: str
    sync_mode: SyncMode
    participants: tuple[NewParticipant, ...] = ()
    groups: tuple[NewGroup, ...] = ()
    total_time_ms: Millis | None = None
    time_per_cycle_ms: Millis | None = None
    increment_ms: Millis = Millis(0)
    time_control: TimeControl | None = None
    default_bank_ms: Millis | None = None
    max_time_ms: Millis | None = None
    active_participant_id: str | None = None
    auto_advance: bool = False
    action_on_timeout: TimeoutAction = TimeoutAction()
    warn_at_ms: tuple[Millis, ...] = ()
    metadata: Mapping[str, Any] | None = None
    participants_may_pause: bool = False
    participants_may_give_ms: Millis = Millis(0)
    lag: Lag | None = None
    individual: IndividualSettings = IndividualSettings()
    allow_cut: bool = False
    programme: Programme | None = None
    overtime: bool = False
    start_at: Instant | None = None
    warn_before_start_ms: tuple[Millis, ...] = ()
    ends_at: Instant | None = None
    moves_with_pause: bool = False
    extend_on_switch: SoftClose | None = None
    is_test: bool = False
    tenant: str | None = None
    owner: str | None = None


class Start(Value, frozen=True):
    """Start a pending session with its first cycle."""


class Switch(Value, frozen=True):
    """End the running cycle and begin the next.

    `next_participant_id` overrides the mode's rotation. `current_participant_id`, if given, must
    be the active participant, so that a repeated switch is refused. `acted_at_ms` is when the
    player acted (ms since 1970, the server's time by the client's clock), and `error_ms` the most
    by which that clock may be wrong. `frame_lag_ms` is the measured round trip of the player's
    connection. The three count only in a session with lag compensation.
    """

    next_participant_id: str | None = None
    current_participant_id: str | None = None
    acted_at_ms: int | None = None
    error_ms: Millis | None = None
    frame_lag_ms: Millis | None = None


class GoToItem(Value, frozen=True):
    """End the running item of a programme and begin this one, in the same round."""

    item_id: str


class Pause(Value, frozen=True):
    """Stop all clocks, with millisecond precision."""


class Resume(Value, frozen=True):
    """Let the clocks of a paused session run again."""


class Complete(Value, frozen=True):
    """End the session normally. `metadata`, if given, replaces the session's, as for a result."""

    metadata: Mapping[str, Any] | None = None


class Cancel(Value, frozen=True):
    """End the session without a result."""


class Delete(Value, frozen=True):
    """Remove the session."""


class AddParticipant(Value, frozen=True):
    """Add a participant to the session.

    With `allow_cut` its limit in `individual` may end after its closing time.
    """

    newcomer: NewParticipant
    allow_cut: bool = False


class AdjustTime(Value, frozen=True):
    """Set a participant's clock to `total_time_ms`, and its periods left, as of now.

    At least one of the two is given.
    """

    participant_id: str
    total_time_ms: Millis | None = None
    reason: str | None = None
    overtime_periods: int | None = None


class Undo(Value, frozen=True):
    """Undo the last switch, with `if_version` only at that version of the session."""

    mode: UndoMode
    reason: str | None = None
    if_version: int | None = None


class UpdateParticipant(Value, frozen=True):
    """Change a participant: its clock, its name, and whether it takes turns.

    With `is_renamed`, `name` is the new name; None removes the name. All other fields that are None
    leave their value unchanged.
    """

    participant_id: str
    adjustment: AdjustTime | None = None
    is_renamed: bool = False
    name: str | None = None
    is_retired: bool | None = None
    reason: str | None = None


class RemoveParticipant(Value, frozen=True):
    """Take a participant out of the session."""

    participant_id: str


class Forfeit(Value, frozen=True):
    """Let the flag of a participant, or of its group, fall now."""

    participant_id: str
    reason: str | None = None


class UpdateSession(Value, frozen=True):
    """Change settings of a session. A setting that is None stays as it is.

    `removes_metadata` takes the metadata away, `removes_start_at` the start; the value is None
    then. `start_at`, `ends_at` and `active_participant_id`, the one who takes the first turn, can
    change only while the session is pending.
    """

    metadata: Mapping[str, Any] | None = None
    removes_metadata: bool = False
    warn_at_ms: tuple[Millis, ...] | None = None
    action_on_timeout: TimeoutAction | None = None
    participants_may_pause: bool | None = None
    participants_may_give_ms: Millis | None = None
    start_at: Instant | None = None
    removes_start_at: bool = False
    warn_before_start_ms: tuple[Millis, ...] | None = None
    ends_at: Instant | None = None
    active_participant_id: str | None = None


SchedulableCommand = Start | Pause | Resume | Complete | AdjustClocks
"""Commands that may be given ahead of time."""


class Schedule(Value, frozen=True):
    """Let `command` take effect at `effective_at`, or at once if that instant has passed."""

    command: SchedulableCommand
    effective_at: Instant


def at_instant(command: SchedulableCommand, effective_at: Instant | None) -> "Command":
    """Return the command, to take effect at `effective_at`; None: now."""
    return command if effective_at is None else Schedule(command, effective_at)


class Unschedule(Value, frozen=True):
    """Withdraw the scheduled command."""


class Advance(Value, frozen=True):
    """Let time pass in a test session: for `by_ms`, until `to`, or until the next thing happens.

    At most one of the two is set. Unlike other commands, it is applied by `advance`.
    """

    by_ms: Millis | None = None
    to: Instant | None = None


Command = (
    Start
    | Switch
    | GoToItem
    | Pause
    | Resume
    | Complete
    | Cancel
    | Delete
    | AddParticipant
    | AdjustTime
    | AdjustClocks
    | UpdateSession
    | UpdateParticipant
    | RemoveParticipant
    | Forfeit
    | Undo
    | BeginParticipants
    | FinishParticipant
    | ReopenParticipant
    | PauseParticipant
    | ResumeParticipant
    | Schedule
    | Unschedule
    | Advance
)
