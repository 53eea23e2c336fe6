"""Commands on a session, as values."""

from collections.abc import Mapping
from typing import Any

from shared.domain.frozen import dataclass
from shared.domain.session import SyncMode, TimeoutAction
from shared.domain.units import Millis


@dataclass(frozen=True, slots=True)
class NewParticipant:
    """A participant to add. `participant_index` defaults to its position."""

    participant_id: str
    participant_index: int | None = None
    total_time_ms: Millis | None = None
    group_id: str | None = None


@dataclass(frozen=True, slots=True)
class NewGroup:
    """A group with a bank of its own; by default the bank is the sum of its members' banks."""

    group_id: str
    total_time_ms: Millis


@dataclass(frozen=True, slots=True)
class Create:
    """Create a session. Each field was validated on its own; `create` checks them together."""

    session_id: str
    sync_mode: SyncMode
    participants: tuple[NewParticipant, ...] = ()
    groups: tuple[NewGroup, ...] = ()
    total_time_ms: Millis | None = None
    time_per_cycle_ms: Millis | None = None
    increment_ms: Millis = Millis(0)
    max_time_ms: Millis | None = None
    active_participant_id: str | None = None
    auto_advance: bool = False
    action_on_timeout: TimeoutAction = TimeoutAction()
    warn_at_ms: tuple[Millis, ...] = ()
    metadata: Mapping[str, Any] | None = None
    participants_may_pause: bool = False
    tenant: str | None = None
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Start:
    """Start a pending session with its first cycle."""


@dataclass(frozen=True, slots=True)
class Switch:
    """End the running cycle and begin the next.

    `next_participant_id` overrides the mode's rotation. `current_participant_id`, if given, must
    be the active participant, so that a repeated switch is refused.
    """

    next_participant_id: str | None = None
    current_participant_id: str | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """Stop all clocks, with millisecond precision."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Let the clocks of a paused session run again."""


@dataclass(frozen=True, slots=True)
class Complete:
    """End the session normally."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """End the session without a result."""


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove the session."""


@dataclass(frozen=True, slots=True)
class AddParticipant:
    """Add a participant to the session."""

    newcomer: NewParticipant


@dataclass(frozen=True, slots=True)
class AdjustTime:
    """Set a participant's clock to `total_time_ms` as of now."""

    participant_id: str
    total_time_ms: Millis
    reason: str | None = None


Command = Start | Switch | Pause | Resume | Complete | Cancel | Delete | AddParticipant | AdjustTime
