"""What sessions may cost their owner and the service, and the errors where one would cost more."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from shared.domain.commands import AddParticipant, AdjustTime, Command, Create, Resume, Start
from shared.domain.frozen import dataclass
from shared.domain.load import UNIT, load, require_bounded
from shared.domain.session import Session
from shared.errors import (
    TooManySessions,
    TooMuchHeld,
    TooMuchKept,
    TooMuchLoad,
    TooMuchWritten,
)
from shared.ports import OwnerHoldsEnough, OwnerLimits

_RESERVE: Final = 4
"""A quarter of an owner's bytes is reserved for play in the sessions that it has."""

_LOADING: Final[Mapping[type[Command], str]] = {
    Start: "time_per_cycle_ms",
    Resume: "time_per_cycle_ms",
    AddParticipant: "participant_id",
    AdjustTime: "total_time_ms",
}
"""Commands that can add to the load of a session, and the field that the error names."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of each owner, and the most load of one session (`shared.domain.load`; None: any)."""

    of_owner: OwnerLimits = OwnerLimits()
    load_of_session: int | None = None

    @property
    def of_new_session(self) -> OwnerLimits:
        """What an owner may hold after a session was created or enlarged."""
        most = self.of_owner
        return replace(most, bytes=most.bytes and most.bytes - most.bytes // _RESERVE)

    def after(self, command: Command, *, is_recorded: bool) -> OwnerLimits:
        """What the owner may hold after `command` on a session that it has.

        Play goes on in any case: where the session doesn't grow, only the record of the answer,
        if it `is_recorded`, is counted against the bytes.
        """
        most = self.of_owner
        kept = most.bytes if is_recorded else None
        if isinstance(command, AddParticipant):
            kept = self.of_new_session.bytes
        busy = most.load if type(command) in _LOADING else None
        return OwnerLimits(bytes=kept, load=busy, written=most.written)

    def check_created(self, session: Session, spec: Create) -> None:
        """Raises `RuleViolation` where the new session's load is above the most."""
        field = "participants" if spec.time_per_cycle_ms is None else "time_per_cycle_ms"
        self._require_bounded(session, field)

    def check_changed(self, before: Session, after: Session, command: Command) -> None:
        """Raises `RuleViolation` where `command` raises the session's load above the most."""
        field = _LOADING.get(type(command))
        if field and load(after) > (0 if isinstance(command, Start) else load(before)):
            self._require_bounded(after, field)

    def refusal(self, result: OwnerHoldsEnough) -> TooMuchHeld:
        """The error for a commit that the store refused."""
        most = self.of_owner
        match result.of:
            case "sessions":
                return TooManySessions(most.sessions or 0)
            case "bytes":
                return TooMuchKept(most.bytes or 0)
            case "load":
                return TooMuchLoad((most.load or 0) // UNIT)
            case "written":
                return TooMuchWritten(most.written or 0)

    def _require_bounded(self, session: Session, field: str) -> None:
        if self.load_of_session is not None:
            require_bounded(session, field, self.load_of_session)
