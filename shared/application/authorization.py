"""Authorization: roles, the rights of each role, and the checks of one request.

docs/security.md describes the rights.

A request is authorized before its session is loaded (`authorize`), and once more with the session.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from shared.application.errors import Forbidden, SessionNotFound, Unauthenticated
from shared.application.participant_rights import (
    check_own_clock,
    not_allowed,
    violations_of_gift,
)
from shared.application.ports.rate_limit import RateLimit, RateLimitState
from shared.application.ports.token_revocations import SessionToken
from shared.domain.commands import AdjustClocks, Command, Schedule, Switch
from shared.domain.session import Session, SyncMode, session_name
from shared.domain.values import Value, replace


class Role(StrEnum):
    """The role of a caller (docs/security.md, Rights)."""

    SERVICE = "service"
    HOST = "host"
    COHOST = "cohost"
    PARTICIPANT = "participant"
    SPECTATOR = "spectator"


@dataclass(frozen=True, slots=True)
class Caller:
    """A caller. `subject` is None for anonymous callers, who are told apart only by address.

    `session_id` is the only session of a cohost, participant or spectator. `expires_at` is the
    expiry of the token, in s since the Unix epoch on this instance's own clock. `follows_for` is
    set for the token of a subscription, which has the rights of a spectator: the role of the caller
    that got it. `token` is the token itself, if it is for one session, `key_id` the id of the
    caller's API key; both make no difference between callers.
    """

    role: Role
    subject: str | None = None
    tenant: str | None = None
    session_id: str | None = None
    participant_id: str | None = None
    expires_at: float | None = None
    follows_for: Role | None = None
    token: SessionToken | None = field(default=None, compare=False)
    key_id: str | None = field(default=None, compare=False)

    @property
    def actor(self) -> str:
        """The caller's name in the audit trail; unique within its tenant."""
        return f"{self.role}:{self.subject}" if self.subject else str(self.role)

    @property
    def shown_role(self) -> Role:
        """The caller's role in the presence of a session."""
        return self.follows_for or self.role

    @property
    def name(self) -> str:
        """The caller's name, unique across tenants and, for a token of one session, sessions.

        A token for one session can therefore never impersonate a caller of another session.
        """
        session = f"{self.session_id}:" if self.session_id else ""
        return f"{self.tenant or ''}:{session}{self.actor}"


UNAUTHENTICATED_CALLER = Caller(Role.SERVICE)
"""Every caller when authentication is disabled, such as a backend on the same machine."""


class Operation(StrEnum):
    """An operation on sessions, or on the webhooks and API keys of a tenant."""

    CREATE = "create"
    LIST = "list sessions"
    READ = "read"
    SUBSCRIBE = "subscribe"
    SWITCH = "switch"
    GO_TO_ITEM = "go to an item"
    PAUSE = "pause"
    RESUME = "resume"
    START = "start"
    COMPLETE = "complete"
    CANCEL = "cancel"
    UPDATE = "update"
    DELETE = "delete"
    ADD_PARTICIPANT = "add participant"
    ADJUST_CLOCK = "adjust clock"
    REMOVE_PARTICIPANT = "remove participant"
    FORFEIT = "forfeit"
    ADJUST_CLOCKS = "adjust clocks"
    UNDO = "undo"
    BEGIN = "begin"
    FINISH = "finish"
    REOPEN_PARTICIPANT = "reopen participant"
    PAUSE_PARTICIPANT = "pause participant"
    RESUME_PARTICIPANT = "resume participant"
    UNSCHEDULE = "unschedule"
    COMMAND_MANY = "command many sessions"
    ADVANCE = "advance"
    READ_HISTORY = "read history"
    READ_PRESENCE = "read presence"
    SIMULATE = "simulate"
    ISSUE_TOKEN = "issue token"
    REVOKE_TOKENS = "revoke tokens"
    MANAGE_JOIN_CODE = "manage join code"
    MANAGE_WEBHOOKS = "manage webhooks"
    MANAGE_API_KEYS = "manage API keys"


class Scope(StrEnum):
    """The sessions to which a right of a role applies."""

    ANYWHERE = "every session"
    OWN = "sessions it created"
    TOKEN_SESSION = "the session of its token"
    WHILE_ACTIVE = "the session of its token, while its own clock runs"
    OWN_CLOCK = "the session of its token, for its own clock"
    IF_SESSION_ALLOWS = "the session of its token, if that allows it"
    GIFTS = "the session of its token, for time that goes to another participant, if that allows it"


_MODES_WITH_BANKS = (SyncMode.PER_PARTICIPANT, SyncMode.PER_GROUP)
_READING = (Operation.READ, Operation.SUBSCRIBE)
_OF_TENANTS = (Operation.MANAGE_WEBHOOKS, Operation.MANAGE_API_KEYS)
_NOT_OF_COHOSTS = (
    Operation.CREATE,
    Operation.COMMAND_MANY,
    Operation.LIST,
    Operation.REVOKE_TOKENS,
    *_OF_TENANTS,
)

RIGHTS: Mapping[Role, Mapping[Operation, Scope]] = {
    Role.SERVICE: dict.fromkeys(Operation, Scope.ANYWHERE),
    Role.HOST: dict.fromkeys((one for one in Operation if one not in _OF_TENANTS), Scope.OWN),
    Role.COHOST: {
        operation: Scope.TOKEN_SESSION
        for operation in Operation
        if operation not in _NOT_OF_COHOSTS
    },
    Role.PARTICIPANT: {
        **dict.fromkeys(_READING, Scope.TOKEN_SESSION),
        Operation.READ_PRESENCE: Scope.TOKEN_SESSION,
        Operation.SWITCH: Scope.WHILE_ACTIVE,
        Operation.PAUSE: Scope.IF_SESSION_ALLOWS,
        Operation.RESUME: Scope.IF_SESSION_ALLOWS,
        Operation.ADJUST_CLOCKS: Scope.GIFTS,
        Operation.BEGIN: Scope.OWN_CLOCK,
        Operation.FINISH: Scope.OWN_CLOCK,
    },
    Role.SPECTATOR: dict.fromkeys(_READING, Scope.TOKEN_SESSION),
}
"""Rights by role; every operation that is not listed is refused.

Participants and spectators may not read the history, which shows what others did. Spectators may
not read who is connected. A host manages no webhooks and API keys, because they are for all
sessions of its tenant. A cohost uses one session, and revokes no tokens, because it could shut out
the other cohosts."""

TOKEN_REVOKED_MESSAGE = "The token was revoked"


class RequestCounter(Protocol):
    """Counts one request against its rate limits; the store counts when it loads the session."""

    counter: str
    """Name of the caller or address that is counted."""
    limits: tuple[RateLimit, ...]
    """The limits that the store has to count."""
    is_shared: bool
    """Whether several callers may share the counter, which is that of an address."""

    def check(self) -> None:
        """Raise `RateLimitExceeded` if a limit is known to be exhausted; doesn't ask the store."""

    def record(self, states: Sequence[RateLimitState]) -> None:
        """Record what the store has counted. Raises `RateLimitExceeded` or `StoreUnavailable`."""

    def finish(self) -> None:
        """Count the request here if it ended before the store counted it."""


class Authorization(Value, frozen=True):
    """The authorization of a request, made by `authorize` from the rights table.

    Its methods check the rules that depend on the session. `rate_limit` counts the request.
    """

    caller: Caller
    operation: Operation
    scope: Scope
    rate_limit: RequestCounter

    def store_name(self, session_id: str) -> str:
        """Return the store name of the caller's session with that id."""
        return session_name(session_id, self.caller.tenant)

    @property
    def owner(self) -> str | None:
        """The owner of the sessions that the caller creates; None unless it is a host."""
        return self.caller.subject if self.caller.role is Role.HOST else None

    def record(self, quotas: Sequence[RateLimitState], *, is_revoked: bool) -> None:
        """Record what the store has counted, and that it has checked the caller's token.

        Raises `RateLimitExceeded` or `StoreUnavailable`, and `Unauthenticated` for a revoked token.
        """
        self.rate_limit.record(quotas)
        if is_revoked:
            raise Unauthenticated(TOKEN_REVOKED_MESSAGE)

    def check(self, session: Session, command: Command | None = None) -> None:
        """Raise `SessionNotFound` if the caller may not read the session, else `Forbidden` if it
        may not do the operation, with this command if it changes the session."""
        if not self.may_read(session):
            raise SessionNotFound
        if isinstance(command, Schedule):
            self._check_not_replacing(session)
            command = command.command
        if self.scope is Scope.IF_SESSION_ALLOWS and not session.participants_may_pause:
            raise Forbidden(f"This session doesn't let participants {self.operation} it")
        if self.scope is Scope.GIFTS:
            self._check_gift(session, command)
        if self.scope is Scope.OWN_CLOCK:
            check_own_clock(command, self.caller.participant_id)

    def _check_not_replacing(self, session: Session) -> None:
        """Raise `Forbidden` if a participant would replace a command that is scheduled."""
        if self.caller.role is Role.PARTICIPANT and session.scheduled is not None:
            message = "can't be sent by a participant while a command is scheduled"
            raise Forbidden(
                "A participant can't replace a scheduled command",
                not_allowed("effective_at", message),
            )

    def _check_gift(self, session: Session, command: Command | None) -> None:
        """Raise `Forbidden` unless `command` gives another participant as much as is allowed.

        A member of the caller's own group isn't another participant, because both share one clock.
        """
        most = session.participants_may_give_ms
        if not most or session.sync_mode not in _MODES_WITH_BANKS:
            raise Forbidden("This session doesn't let participants give time")
        message = f"A participant can only add 1 to {most}ms to one other participant's clock"
        giver = session.find(self.caller.participant_id or "")
        if giver is None or not isinstance(command, AdjustClocks):
            raise Forbidden(message)
        if violations := violations_of_gift(session, giver, command, most):
            raise Forbidden(message, *violations)

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

    def must_hide(self, stored: Session | None) -> bool:
        """Return whether the caller must not learn if the session exists, or was deleted.

        Only hosts can request other owners' sessions: store names include the tenant, a service
        may read all sessions, and a token for one session is refused before another is loaded.
        """
        return self.caller.role is Role.HOST and (stored is None or not self.may_read(stored))

    def restrict(self, command: Command) -> Command:
        """Return `command`, limited to the caller's own cycle if it is a participant's switch.

        Raises `Forbidden` if the command names another participant's cycle.
        """
        if self.scope is not Scope.WHILE_ACTIVE or not isinstance(command, Switch):
            return command
        if command.current_participant_id not in (None, self.caller.participant_id):
            raise Forbidden(
                "A participant can end only its own cycle",
                not_allowed("current_participant_id", "must be the participant of the token"),
            )
        return replace(command, current_participant_id=self.caller.participant_id)


def authorize(
    caller: Caller, operation: Operation, session_id: str | None, rate_limit: RequestCounter
) -> Authorization:
    """Authorize `operation`, on the session `session_id` if there is one.

    Raises `SessionNotFound` if the token is for another session, and `Forbidden` if the role never
    has this right.
    """
    is_other_session = caller.session_id is not None and session_id not in (None, caller.session_id)
    if is_other_session:
        raise SessionNotFound
    scope = RIGHTS[caller.role].get(operation)
    if scope is None:
        raise Forbidden(f"A {caller.role} can't do that: {operation}")
    return Authorization(caller, operation, scope, rate_limit)
