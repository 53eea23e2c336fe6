"""Authorization of one operation: checked before and after the session is loaded."""

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
    """The authorization of a request, made by `permit` from the rights table.

    Its methods check the rules that depend on the session. `allowance` counts the request.
    """

    caller: Caller
    operation: Operation
    reach: Reach
    allowance: Allowance

    def name_of(self, session_id: str) -> str:
        """Return the store name of the caller's session with that id."""
        return session_name(session_id, self.caller.tenant)

    @property
    def owner(self) -> str | None:
        """The owner of the sessions that the caller creates; None unless it is a host."""
        return self.caller.subject if self.caller.role is Role.HOST else None

    def check(self, session: Session) -> None:
        """Raise `SessionNotFound` if the caller may not read the session, else `Forbidden` if it
        may not do the operation."""
        if not self.may_read(session):
            raise SessionNotFound
        if self.reach is Reach.IF_ALLOWED and not session.participants_may_pause:
            raise Forbidden(f"This session doesn't let participants {self.operation} it")

    def may_read(self, session: Session) -> bool:
        """Return whether the caller may know that the session exists."""
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
        """Return whether the caller must not learn if the session exists, or was deleted.

        Only hosts can request other owners' sessions: store names include the tenant, a service
        may read all sessions, and a token for one session is refused before another is loaded.
        """
        return self.caller.role is Role.HOST and (stored is None or not self.may_read(stored))

    def narrowed(self, command: Command) -> Command:
        """Return `command`, limited to the caller's own cycle if it is a participant's switch.

        Raises `Forbidden` if the command names another participant's cycle.
        """
        if self.reach is not Reach.ON_MOVE or not isinstance(command, Switch):
            return command
        if command.current_participant_id not in (None, self.caller.participant_id):
            raise Forbidden("A participant can end only its own cycle")
        return replace(command, current_participant_id=self.caller.participant_id)


def permit(
    caller: Caller, operation: Operation, session_id: str | None, allowance: Allowance
) -> Permit:
    """Authorize `operation`, on the session `session_id` if there is one.

    Raises `SessionNotFound` if the token is for another session, and `Forbidden` if the role never
    has this right.
    """
    is_other_session = caller.session_id is not None and session_id not in (None, caller.session_id)
    if is_other_session:
        raise SessionNotFound
    reach = RIGHTS[caller.role].get(operation)
    if reach is None:
        raise Forbidden(f"A {caller.role} can't do that: {operation}")
    return Permit(caller, operation, reach, allowance)
