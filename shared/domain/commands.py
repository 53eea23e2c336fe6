"""What can be asked of a session."""

from collections.abc import Mapping
from typing import Any

from shared.domain.frozen import dataclass
from shared.domain.session import SyncMode, TimeoutAction
from shared.domain.units import Millis


@dataclass(frozen=True, slots=True)
class NewParticipant:
    """A participant as its creator describes it; the index defaults to its position."""

    participant_id: str
    participant_index: int | None = None
    total_time_ms: Millis | None = None
    group_id: str | None = None


@dataclass(frozen=True, slots=True)
class NewGroup:
    """A group's bank, where it is not the sum of its members'."""

    group_id: str
    total_time_ms: Millis


@dataclass(frozen=True, slots=True)
class Create:
    """A session to be; each field is within its own bounds already."""

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
    """Begin the first cycle."""


@dataclass(frozen=True, slots=True)
class Switch:
    """End the running cycle and begin the next.

    `next_participant_id` names who follows, else the mode's rotation decides;
    `current_participant_id` says whose cycle the caller believes it ends.
    """

    next_participant_id: str | None = None
    current_participant_id: str | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """Stop every clock, to the millisecond."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Let the clock that was stopped run on."""


@dataclass(frozen=True, slots=True)
class Complete:
    """End the session as its participants meant it to."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """End the session without a result."""


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove the session."""


@dataclass(frozen=True, slots=True)
class AddParticipant:
    """Let one more take part."""

    newcomer: NewParticipant


@dataclass(frozen=True, slots=True)
class AdjustTime:
    """Make a participant's clock read `total_time_ms` from this instant on."""

    participant_id: str
    total_time_ms: Millis
    reason: str | None = None


Command = Start | Switch | Pause | Resume | Complete | Cancel | Delete | AddParticipant | AdjustTime
