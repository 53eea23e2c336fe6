"""Limits of owners and sessions, and the errors for exceeding them."""

from collections.abc import Mapping
from typing import Final

from shared.application.errors import (
    LoadLimitExceeded,
    OwnerLimitExceeded,
    SessionLimitExceeded,
    StorageLimitExceeded,
    WriteLimitExceeded,
)
from shared.application.ports.commit import OwnerLimits, QuotaExceeded
from shared.domain.automatic_load import UNIT, automatic_load, check_load_limit
from shared.domain.commands import (
    AddParticipant,
    AdjustClocks,
    AdjustTime,
    BeginParticipants,
    Command,
    Create,
    RemoveParticipant,
    Resume,
    Schedule,
    Start,
    Switch,
    UpdateParticipant,
    UpdateSession,
)
from shared.domain.scheduling import outcome
from shared.domain.session import Session
from shared.domain.values import Value, replace

_RESERVE_DIVISOR: Final = 4
"""A quarter of an owner's bytes is reserved for changes of its existing sessions."""

_LOAD_FIELDS: Final[Mapping[type[Command], str]] = {
    Start: "time_per_cycle_ms",
    Resume: "time_per_cycle_ms",
    AddParticipant: "participant_id",
    AdjustTime: "total_time_ms",
    RemoveParticipant: "participant_id",
}
"""Commands that can increase the load of a session, and the field that the error names.

`_load_field` knows those for which the field depends on the request.
"""


_ENLARGING: Final = (AddParticipant, UpdateParticipant, UpdateSession)
"""Commands that can enlarge a session."""


class SessionLimits(Value, frozen=True):
    """Limits of each owner, and of the load of one session (`shared.domain.automatic_load`;

    None: none).
    """

    of_owner: OwnerLimits = OwnerLimits()
    load_of_session: int | None = None

    @property
    def for_creation(self) -> OwnerLimits:
        """Limits of the owner for commits that create or enlarge a session."""
        most = self.of_owner
        return replace(most, bytes=most.bytes and most.bytes - most.bytes // _RESERVE_DIVISOR)

    def after(self, command: Command, *, is_recorded: bool) -> OwnerLimits:
        """Return the owner's limits for the commit of `command` on an existing session.

        The byte limit must not stop a running game: if the session doesn't grow, it applies only to
        commits with an idempotency record (`is_recorded`). Metadata for the next question of a
        running quiz may use the reserve.
        """
        most = self.of_owner
        if isinstance(command, Switch) and not is_recorded:
            return OwnerLimits(written=most.written)
        max_bytes = most.bytes if is_recorded or _has_metadata(command) else None
        if isinstance(command, _ENLARGING):
            max_bytes = self.for_creation.bytes
        max_load = most.load if _load_field(command) else None
        return OwnerLimits(bytes=max_bytes, load=max_load, written=most.written)

    def check_created(self, session: Session, spec: Create) -> None:
        """Raise `RuleViolation` if the new session's load exceeds the limit."""
        field = "participants" if spec.time_per_cycle_ms is None else "time_per_cycle_ms"
        self._require_bounded(session, "items" if spec.programme else field)

    def check_changed(self, before: Session, after: Session, command: Command) -> None:
        """Raise `RuleViolation` if `command` increases the session's load above the limit.

        A command ahead of time is checked by what it will do.
        """
        if isinstance(command, Switch):
            return
        if isinstance(command, Schedule):
            after, command = outcome(after) or after, command.command
        field = _load_field(command)
        if field and automatic_load(after) > (
            0 if isinstance(command, Start) else automatic_load(before)
        ):
            self._require_bounded(after, field)

    def refusal(self, result: QuotaExceeded) -> OwnerLimitExceeded:
        """Return the error for a commit that the store refused."""
        most = self.of_owner
        match result.of:
            case "sessions":
                return SessionLimitExceeded(most.sessions or 0)
            case "bytes":
                return StorageLimitExceeded(most.bytes or 0)
            case "load":
                return LoadLimitExceeded((most.load or 0) // UNIT)
            case "written":
                return WriteLimitExceeded(most.written or 0)

    def _require_bounded(self, session: Session, field: str) -> None:
        if self.load_of_session is not None:
            check_load_limit(session, field, self.load_of_session)


def _has_metadata(command: Command) -> bool:
    return isinstance(command, BeginParticipants) and command.metadata is not None


def _load_field(command: Command) -> str | None:
    match command:
        case Schedule(command=scheduled):
            return _load_field(scheduled)
        case AdjustClocks():
            return "add_ms" if command.set_ms is None else "set_ms"
        case UpdateSession(start_at=start_at, warn_at_ms=warnings):
            if start_at is not None:
                return "start_at"
            return "action_on_timeout" if warnings is None else "warn_at_ms"
        case UpdateParticipant():
            return "is_retired" if command.adjustment is None else "total_time_ms"
        case _:
            return _LOAD_FIELDS.get(type(command))
