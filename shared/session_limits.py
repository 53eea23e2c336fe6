"""Limits of owners and sessions, and the errors for exceeding them."""

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

_RESERVE_DIVISOR: Final = 4
"""A quarter of an owner's bytes is reserved for changes of its existing sessions."""

_LOAD_FIELDS: Final[Mapping[type[Command], str]] = {
    Start: "time_per_cycle_ms",
    Resume: "time_per_cycle_ms",
    AddParticipant: "participant_id",
    AdjustTime: "total_time_ms",
}
"""Commands that can increase the load of a session, and the field that the error names."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of each owner, and of the load of one session (`shared.domain.load`; None: none)."""

    of_owner: OwnerLimits = OwnerLimits()
    load_of_session: int | None = None

    @property
    def of_new_session(self) -> OwnerLimits:
        """Limits of the owner for commits that create or enlarge a session."""
        most = self.of_owner
        return replace(most, bytes=most.bytes and most.bytes - most.bytes // _RESERVE_DIVISOR)

    def after(self, command: Command, *, is_recorded: bool) -> OwnerLimits:
        """Return the owner's limits for the commit of `command` on an existing session.

        The byte limit must not stop a running game: if the session doesn't grow, it applies only to
        commits with an idempotency record (`is_recorded`).
        """
        most = self.of_owner
        max_bytes = most.bytes if is_recorded else None
        if isinstance(command, AddParticipant):
            max_bytes = self.of_new_session.bytes
        max_load = most.load if type(command) in _LOAD_FIELDS else None
        return OwnerLimits(bytes=max_bytes, load=max_load, written=most.written)

    def check_created(self, session: Session, spec: Create) -> None:
        """Raise `RuleViolation` if the new session's load exceeds the limit."""
        field = "participants" if spec.time_per_cycle_ms is None else "time_per_cycle_ms"
        self._require_bounded(session, field)

    def check_changed(self, before: Session, after: Session, command: Command) -> None:
        """Raise `RuleViolation` if `command` increases the session's load above the limit."""
        field = _LOAD_FIELDS.get(type(command))
        if field and load(after) > (0 if isinstance(command, Start) else load(before)):
            self._require_bounded(after, field)

    def refusal(self, result: OwnerHoldsEnough) -> TooMuchHeld:
        """Return the error for a commit that the store refused."""
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
