"""Join codes: a host opens one for its session, and people join with it, without a token."""

from collections.abc import Container
from dataclasses import dataclass
from uuid import uuid4

from shared.application.authorization import (
    Authorization,
    Caller,
    Operation,
    RequestCounter,
    Role,
    authorize,
)
from shared.application.commit_builder import ChangeContext, limited_owner
from shared.application.errors import (
    IdempotencyKeyReused,
    JoinCodeNotFound,
    NoRoomToJoin,
    ParticipantTaken,
    RateLimitExceeded,
    SessionNotFound,
    StoreUnavailable,
    VersionConflict,
)
from shared.application.join_letters import letters_of, new_letters
from shared.application.ports.commit import Origin, QuotaExceeded
from shared.application.ports.join_codes import (
    JoinCode,
    JoinCodes,
    Joined,
    JoinRequest,
    JoinRole,
    Newcomers,
    OpenCode,
    TooManyGuesses,
)
from shared.application.ports.session_store import SessionStore
from shared.application.session_limits import SessionLimits
from shared.application.session_service import SessionService
from shared.domain.commands import AddParticipant, NewParticipant
from shared.domain.errors import Refusal, RuleViolation, UnknownParticipant, Violation
from shared.domain.session import Participant, Session
from shared.domain.transition import transition
from shared.domain.units import Instant, Millis
from shared.domain.values import Value

_ATTEMPTS = 5
"""Attempts to open a code: its letters may be in use, or another request may open one."""


class Terms(Value, frozen=True):
    """The role that a new code gives, how long it is open (ms), and how often it may be used."""

    role: JoinRole
    expires_in_ms: Millis
    max_uses: int
    newcomers: Newcomers | None = None


class Joiner(Value, frozen=True):
    """A person who joins: as the participant with that id, or as a new one with that name.

    `address` is where the request comes from, `request` its idempotency key and content, hashed.
    """

    address: str
    letters: str
    participant_id: str | None = None
    name: str | None = None
    request: JoinRequest | None = None
    request_id: str | None = None


class Choice(Value, frozen=True):
    """A person must still choose a participant: one of `free`, or a new one."""

    code: JoinCode
    free: tuple[Participant, ...]


@dataclass(frozen=True, slots=True)
class JoinService:
    """The use cases of join codes. All methods raise `StoreUnavailable`.

    `limits` bound the bytes of a session's owner, among which codes and their uses count.
    """

    codes: JoinCodes
    service: SessionService
    store: SessionStore
    limits: SessionLimits

    async def check(self, session: Session, terms: Terms) -> Instant:
        """Return the store's time, at which a code with these terms may be opened.

        Raises a `Refusal` if the session takes no new participants, or none with these settings.
        """
        now = await self.store.time()
        _check(session, terms.newcomers, now)
        return now

    async def open(
        self,
        authorization: Authorization,
        session: Session,
        terms: Terms,
        opening: str,
        now: Instant,
    ) -> JoinCode:
        """Open a code for the session, in place of the one that it has; return it.

        `now` is what `check` has returned. The code that an earlier attempt with the same `opening`
        has opened stays. Raises `StorageLimitExceeded`.
        """
        caller = authorization.caller
        tokens_until = caller.expires_at if caller.role is Role.COHOST else None
        expires_at = now + terms.expires_in_ms
        if tokens_until is not None:
            expires_at = min(expires_at, int(tokens_until * 1000))
        for _ in range(_ATTEMPTS):
            found = await self.codes.find(session.name)
            present = found.code if found else None
            if present and present.opening == opening:
                return present
            code = JoinCode(
                code=new_letters(),
                opening=opening,
                session_id=session.session_id,
                tenant=session.tenant,
                role=terms.role,
                expires_at=Instant(expires_at),
                max_uses=terms.max_uses,
                newcomers=terms.newcomers,
                tokens_until=tokens_until,
            )
            opened = await self.codes.open(
                session.name, code, present, _owner_of(session), self.limits.of_owner
            )
            if isinstance(opened, QuotaExceeded):
                raise self.limits.refusal(opened)
            if opened:
                return code
        raise StoreUnavailable("No join code could be opened")

    async def find(self, session: Session) -> OpenCode:
        """Return the open code of the session. Raises `JoinCodeNotFound`."""
        found = await self.codes.find(session.name)
        if found is None:
            raise JoinCodeNotFound
        return found

    async def close(self, session: Session) -> None:
        """Close the session's code, if there is one. Tokens that it gave stay valid."""
        await self.codes.close(session.name)

    async def join(self, joiner: Joiner, counter: RequestCounter) -> Joined | Choice:
        """Let a person join a session.

        Raises `JoinCodeNotFound` for a code that is unknown, closed, expired or used up,
        `RateLimitExceeded` after too many wrong ones, `ParticipantTaken`, `IdempotencyKeyReused`,
        `NoRoomToJoin`, and a `Refusal`.
        """
        code, taken = await self._guessed(joiner)
        session = await self._session(code, counter)
        if code.role == "participant" and joiner.participant_id is None and joiner.name is None:
            return Choice(code, tuple(one for one in session.participants if _is_free(one, taken)))
        _check_choice(code, session, joiner)
        wanted = joiner.participant_id or (joiner.name and str(uuid4()))
        limits = self.limits.of_owner
        joined = await self.codes.use(
            code, wanted, joiner.request, str(uuid4()), _owner_of(session), limits
        )
        if isinstance(joined, QuotaExceeded):
            raise NoRoomToJoin(limits.bytes or 0)
        if joined == "closed":
            raise JoinCodeNotFound
        if joined == "taken":
            raise ParticipantTaken
        if joined == "reused":
            raise IdempotencyKeyReused
        if joiner.name and joined.participant_id and session.find(joined.participant_id) is None:
            await self._add(joined.code, joined.participant_id, joiner, counter, session)
        return joined

    async def _guessed(self, joiner: Joiner) -> tuple[JoinCode, dict[str, str]]:
        # An impossible code is looked up as well, so that it counts as a wrong one.
        letters = letters_of(joiner.letters) or ""
        found = await self.codes.guess(letters, joiner.address)
        if found is None:
            raise JoinCodeNotFound
        if isinstance(found, TooManyGuesses):
            wait_s = -(-found.retry_after_ms // 1000)
            raise RateLimitExceeded("Too many wrong codes; try again later", wait_s)
        return found.code, found.taken

    async def _session(self, code: JoinCode, counter: RequestCounter) -> Session:
        """Return the code's session; close the code if it was deleted."""
        caller = Caller(Role.SPECTATOR, tenant=code.tenant, session_id=code.session_id)
        reading = authorize(caller, Operation.READ, code.session_id, counter)
        try:
            session, _ = await self.service.read(reading, code.session_id)
        except SessionNotFound:
            await self.codes.close(reading.store_name(code.session_id))
            raise JoinCodeNotFound from None
        return session

    async def _add(
        self,
        code: JoinCode,
        participant_id: str,
        joiner: Joiner,
        counter: RequestCounter,
        session: Session,
    ) -> None:
        """Add a participant to the `session`; give its use back if that isn't done.

        Another attempt of the same request may have added it meanwhile.
        """
        caller = Caller(Role.COHOST, participant_id, tenant=code.tenant, session_id=code.session_id)
        adding = authorize(caller, Operation.ADD_PARTICIPANT, code.session_id, counter)
        origin = Origin(f"{Role.PARTICIPANT}:{participant_id}", joiner.request_id)
        command = _addition(code.newcomers or Newcomers(), participant_id, joiner.name)
        try:
            await self.service.change(adding, code.session_id, command, ChangeContext(origin))
        except (Refusal, RateLimitExceeded, VersionConflict):
            stored = (await self.store.load(adding.store_name(code.session_id))).stored
            if stored and stored.session.find(participant_id):
                return
            owner = _owner_of(session)
            await self.codes.give_back(code, participant_id, joiner.request, owner)
            raise


def _owner_of(session: Session) -> str | None:
    return limited_owner(session.tenant, session.owner)


def _check(session: Session, newcomers: Newcomers | None, now: Instant) -> None:
    """Raise a `Refusal` if the session would refuse a participant with these settings."""
    if newcomers is None:
        return
    try:
        transition(session, _addition(newcomers, str(uuid4()), None), now)
    except RuleViolation as refusal:
        raise RuleViolation(
            *(
                Violation(f"newcomers.{one.field}", one.message, one.code)
                for one in refusal.violations
            )
        ) from None


def _addition(newcomers: Newcomers, participant_id: str, name: str | None) -> AddParticipant:
    newcomer = NewParticipant(
        participant_id,
        total_time_ms=newcomers.total_time_ms,
        group_id=newcomers.group_id,
        name=name,
    )
    return AddParticipant(newcomer)


def _is_free(participant: Participant, taken: Container[str]) -> bool:
    return participant.participant_id not in taken and not participant.is_retired


def _check_choice(code: JoinCode, session: Session, joiner: Joiner) -> None:
    """Raise a `Refusal` if the code or the session has no such participant."""
    if code.role == "spectator":
        for field in ("participant_id", "name"):
            if getattr(joiner, field) is not None:
                raise RuleViolation(Violation(field, "is for participants only", "not_allowed"))
    if joiner.name is not None and code.newcomers is None:
        message = "is for new participants, and this code adds none"
        raise RuleViolation(Violation("name", message, "not_allowed"))
    if joiner.participant_id is not None and session.find(joiner.participant_id) is None:
        raise UnknownParticipant(joiner.participant_id)
