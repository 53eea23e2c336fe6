"""One caller's request to do one thing: checked before, at and after the session is loaded."""

from dataclasses import dataclass, replace

from shared.access.allowance import Allowance
from shared.access.callers import Caller, Role
from shared.access.rights import RIGHTS, Operation, Reach
from shared.domain.commands import Command, Switch
from shared.domain.naming import session_name
from shared.domain.session import Session
from shared.errors import Forbidden, SessionNotFound


@dataclass(slots=True)
class Permit:
    """Made by `permit`, which has asked the table; what depends on the session is asked here.

    `allowance` counts the request.
    """

    caller: Caller
    operation: Operation
    reach: Reach
    allowance: Allowance

    def name_of(self, session_id: str) -> str:
        """What the caller's session of that id is called in the store."""
        return session_name(session_id, self.caller.tenant)

    @property
    def owner(self) -> str | None:
        """The owner of what the caller creates: only hosts own anything."""
        return self.caller.subject if self.caller.role is Role.HOST else None

    def check(self, session: Session) -> None:
        """Raises `SessionNotFound` to one who may not even read it, else `Forbidden`."""
        if not self.may_read(session):
            raise SessionNotFound
        if self.reach is Reach.IF_ALLOWED and not session.participants_may_pause:
            raise Forbidden(f"This session doesn't let participants {self.operation} it")

    def may_read(self, session: Session) -> bool:
        """Whether the caller may know of the session."""
        caller = self.caller
        if session.tenant != caller.tenant:
            return False
        match caller.role:
            case Role.SERVICE:
                return True
            case Role.HOST:
                return session.owner is not None and session.owner == caller.subject
            case _:
                return session.session_id == caller.session_id

    def hides(self, stored: Session | None) -> bool:
        """Whether the caller must not learn if there is a session, `stored` or deleted.

        Only hosts can ask for sessions of others: tenants have names of their own, a service may
        read everything, and a token for one session is refused before any other is loaded.
        """
        return self.caller.role is Role.HOST and (stored is None or not self.may_read(stored))

    def narrowed(self, command: Command) -> Command:
        """`command` as this caller may give it: a participant ends no cycle but its own."""
        if self.reach is not Reach.ON_MOVE or not isinstance(command, Switch):
            return command
        if command.current_participant_id not in (None, self.caller.participant_id):
            raise Forbidden("A participant can end no cycle but its own")
        return replace(command, current_participant_id=self.caller.participant_id)


def permit(
    caller: Caller, operation: Operation, session_id: str | None, allowance: Allowance
) -> Permit:
    """The permit for `operation`, on the session of that id where it is on one.

    Raises `SessionNotFound` to one whose token is of another session, and `Forbidden` to one whose
    role has no such right anywhere.
    """
    is_elsewhere = caller.session_id is not None and session_id not in (None, caller.session_id)
    if is_elsewhere:
        raise SessionNotFound
    reach = RIGHTS[caller.role].get(operation)
    if reach is None:
        raise Forbidden(f"A {caller.role} can't do that: {operation}")
    return Permit(caller, operation, reach, allowance)
