"""Load, settle, transition, commit: how every request and every alarm reaches a session."""

from collections.abc import Sequence
from dataclasses import replace

from shared.access.permits import Permit
from shared.current_state import CurrentState, due_steps, is_backlog
from shared.domain.commands import (
    Command,
    Create,
    Delete,
)
from shared.domain.creation import create
from shared.domain.errors import Refusal
from shared.domain.events import Change, Step
from shared.domain.frozen import dataclass
from shared.domain.session import Session
from shared.domain.transition import transition
from shared.domain.units import Instant
from shared.drafts import Done, Draft, Request, done, draft
from shared.errors import (
    IdempotencyKeyReused,
    PreconditionFailed,
    SessionDeleted,
    SessionExists,
    SessionNotFound,
    VersionConflict,
)
from shared.ports import (
    Answer,
    AnsweredBefore,
    Commit,
    Committed,
    IdempotencyKey,
    OwnerHoldsEnough,
    RecordedAnswer,
    SessionStore,
    Stored,
    Superseded,
)
from shared.recall import Recall
from shared.session_limits import Limits
from shared.turns import Turn, Turns, patience

_ATTEMPTS = 64
"""How often a change is applied anew because another one was faster.

The authorized changes of one session queue inside an instance, so an attempt is lost only to
another instance, or to a read or an alarm that applied what was due. An instance with a queue
pauses between its changes (`Turns`), so that of n instances each wins about every n-th round.
"""

_UNLIMITED = Limits()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a change left, and whether that was an earlier try of it; None: no session.

    `recorded` is the whole answer to the earlier try, where version 2.0.0 kept that.
    """

    done: Done | None
    replayed: bool = False
    recorded: Answer | None = None


@dataclass(frozen=True, slots=True)
class _Asked:
    """A change as a caller asks for it."""

    permit: Permit
    command: Command
    request: Request


class SessionService:
    """The only place that brings the domain and the store together."""

    def __init__(
        self,
        store: SessionStore,
        state: CurrentState,
        recall: Recall,
        limits: Limits = _UNLIMITED,
    ) -> None:
        self._store = store
        self._state = state
        self._recall = recall
        self._limits = limits
        self._limits_of_new = limits.of_new_session
        self._turns: Turns[Stored] = Turns()

    def creation_scope(self, permit: Permit, key: str, session_id: str | None) -> str:
        """The scope of an idempotency key of a creation."""
        return self._store.creation_scope(key, session_id and permit.name_of(session_id))

    def new_session_id(self, permit: Permit, scope: str | None) -> str:
        """An id for a session to be created under an idempotency key of `scope`."""
        return self._store.new_session_id(scope, permit.caller.tenant)

    async def create(
        self,
        permit: Permit,
        spec: Create,
        request: Request,
        *,
        is_new_id: bool = False,
    ) -> Outcome:
        """A new session of the caller's. Raises `SessionExists`, `RuleViolation`,
        `IdempotencyKeyReused`, `TooManySessions`, `TooMuchKept`, `TooMuchWritten`.

        `is_new_id` says that the id was made for it, so that nobody can have used it before.
        """
        if (spec.tenant, spec.owner) != (permit.caller.tenant, permit.owner):
            spec = replace(spec, tenant=permit.caller.tenant, owner=permit.owner)
        name = permit.name_of(spec.session_id)
        async with patience():
            loaded = await self._state.load(permit, name, request.key, with_epoch=not is_new_id)
            if loaded.recorded:
                return await self._replay(loaded.recorded, request.key, name, loaded.stored)
            if loaded.stored or not (is_new_id or await self._state.is_unused(loaded, name)):
                raise SessionExists
            created = create(spec, loaded.now)
            self._limits.check_created(created.session, spec)
            written = draft(None, [created], loaded.now, request, self._limits_of_new)
            result = await self._store.commit(written.commit)
            if isinstance(result, Superseded):
                raise SessionExists
            return await self._outcome(result, written)

    async def change(
        self,
        permit: Permit,
        session_id: str,
        command: Command,
        request: Request,
    ) -> Outcome:
        """Apply `command` to the session as it stands once everything due has happened.

        Concurrent changes are serialised: each is applied to what the one before it left. The
        caller's right is checked before it joins the session's queue, and again at its turn.
        Raises `SessionNotFound`, `Forbidden`, `PreconditionFailed`, `IdempotencyKeyReused`,
        `VersionConflict`, `TooMuchKept`, `TooMuchLoad`, `TooMuchWritten`, `StoreUnavailable` (also
        for a turn that doesn't come within 1.2 s) or a `Refusal`; then the command has changed
        nothing.
        """
        name, command = permit.name_of(session_id), permit.narrowed(command)
        async with patience():
            loaded = await self._state.load(permit, name, request.key)
            if loaded.recorded:
                return await self._replay(loaded.recorded, request.key, name, loaded.stored)
            stored, now = await self._state.found(loaded, name, permit)
            if stored is None:
                raise SessionNotFound
            permit.check(stored.session)
            async with self._turns.of(name) as turn:
                latest = _newest(stored, turn.before)
                now = max(now, latest.session.updated_at)
                asked = _Asked(permit, command, request)
                return await self._make(asked, stored, latest, now, turn)

    async def _make(
        self, asked: _Asked, loaded: Stored, latest: Stored, now: Instant, turn: Turn[Stored]
    ) -> Outcome:
        """Make the change that is `asked` for in its `turn`, on the `latest` state or a newer one.

        `loaded` is the state before the turn, beside which no earlier answer was recorded.
        """
        stored: Stored | None = latest
        limits = self._limits.after(asked.command, is_recorded=asked.request.key is not None)
        for _ in range(_ATTEMPTS):
            if stored is None:
                raise SessionNotFound
            asked.permit.check(stored.session)
            turn.left = stored
            due = due_steps(stored, now)
            try:
                change = self._applied(asked, stored, due, now)
            except (Refusal, PreconditionFailed, _Backlog):
                if due:
                    stored, now = await self._state.caught_up(stored, now)
                    continue
                if stored is not loaded and (earlier := await self._answered(stored, asked)):
                    return earlier
                raise
            written = draft(stored, [*due, change], now, asked.request, limits)
            result = await self._store.commit(written.commit)
            if not isinstance(result, Superseded):
                turn.left = _left_by(result, written.commit)
                return await self._outcome(result, written)
            turn.is_contested = True
            stored, now = await self._state.newer(result, written.commit.name, now, asked.permit)
        raise VersionConflict(_version(latest), _version(stored))

    async def _answered(self, stored: Stored, asked: _Asked) -> Outcome | None:
        """The answer to an earlier try of a change that `stored` doesn't allow, if there was one:
        `stored` may be what that try has led to."""
        key, name = asked.request.key, stored.session.name
        if key is None:
            return None
        loaded = await self._store.load(name, key)
        if loaded.recorded is None:
            return None
        return await self._replay(loaded.recorded, key, name, loaded.stored)

    async def read(self, permit: Permit, session_id: str) -> tuple[Session, Instant]:
        """The session and the instant at which it was read.

        Raises `SessionNotFound`, as `SessionDeleted` while that is known, and `Forbidden`.
        """
        name = permit.name_of(session_id)
        async with patience():
            loaded = await self._state.load(permit, name)
            stored, now = await self._state.found(loaded, name, permit)
            if stored is None:
                raise SessionDeleted if loaded.is_deleted else SessionNotFound
            permit.check(stored.session)
            stored, now = await self._state.caught_up(stored, now)
        if stored is None:
            raise SessionNotFound
        return stored.session, now

    async def could_read(self, permit: Permit, session_id: str) -> bool:
        """Whether the caller could read a session that was deleted since.

        Only the audit trail knows whose it was: False for a host while that can't be asked.
        """
        return await self._state.was_readable(permit, permit.name_of(session_id))

    async def read_many(
        self, permit: Permit, session_ids: Sequence[str]
    ) -> list[tuple[Session, Instant] | None]:
        """The sessions in the order asked for, each with the instant at which it was read.

        None stands for one that is not there for the caller.
        """
        names = [permit.name_of(session_id) for session_id in session_ids]
        async with patience():
            many = await self._store.load_many(names, permit.allowance.limits)
            permit.allowance.take(many.quotas)
            loaded = dict(zip(names, many.sessions, strict=True))
            restored = await self._state.restored(loaded, permit)
            return [
                await self._shown(restored.get(name, one.stored), one.now, permit)
                for name, one in loaded.items()
            ]

    async def _shown(
        self, stored: Stored | None, now: Instant, permit: Permit
    ) -> tuple[Session, Instant] | None:
        if stored is None or not permit.may_read(stored.session):
            return None
        stored, now = await self._state.caught_up(stored, max(now, stored.session.updated_at))
        return (stored.session, now) if stored else None

    async def remember(self, key: IdempotencyKey, record: bytes) -> bytes:
        """The record of the first request under `key`, which is this one's if there was none."""
        async with patience():
            return await self._store.remember(key, record)

    def _applied(self, asked: _Asked, stored: Stored, due: Sequence[Step], now: Instant) -> Change:
        """What the command makes of the session after the steps that are due.

        Raises `_Backlog` where more is due than one commit takes. A deletion doesn't wait for that:
        it frees room in a store that may be out of it.
        """
        if is_backlog(stored, due) and not isinstance(asked.command, Delete):
            raise _Backlog
        session = due[-1].session if due else stored.session
        expected = asked.request.if_match
        if expected is not None and str(session.version) not in expected:
            raise PreconditionFailed(session.version)
        change = transition(session, asked.command, now)
        self._limits.check_changed(session, change.session, asked.command)
        return change

    async def _outcome(
        self, result: Committed | AnsweredBefore | OwnerHoldsEnough, written: Draft
    ) -> Outcome:
        commit = written.commit
        if isinstance(result, OwnerHoldsEnough):
            raise self._limits.refusal(result)
        if isinstance(result, AnsweredBefore):
            return await self._replay(result.recorded, commit.key, commit.name, None)
        return Outcome(written.done)

    async def _replay(
        self,
        recorded: RecordedAnswer,
        key: IdempotencyKey | None,
        name: str,
        stored: Stored | None,
    ) -> Outcome:
        """The first answer once more. Raises `IdempotencyKeyReused`, and `AuditUnavailable` where
        what it showed can't be found now."""
        if key is None or recorded.fingerprint != key.fingerprint:
            raise IdempotencyKeyReused
        if recorded.answer or recorded.version is None:
            return Outcome(None, replayed=True, recorded=recorded.answer)
        if recorded.name not in (None, name):
            name, stored = recorded.name, None
        session = await self._recall.session(recorded, name, recorded.version, stored)
        return Outcome(done(session, recorded.at, recorded.expiry), replayed=True)


class _Backlog(Exception):
    """More is due than fits in one commit."""


def _newest(loaded: Stored, before: Stored | None) -> Stored:
    """The newer of what was loaded and what the change before left.

    Both were current at some time after the request had arrived.
    """
    if before and before.session.version > loaded.session.version:
        return before
    return loaded


def _left_by(
    result: Committed | AnsweredBefore | OwnerHoldsEnough, written: Commit
) -> Stored | None:
    """What the next change of the session finds; None where it must go by what it has loaded."""
    if isinstance(result, Committed) and written.session:
        return Stored(written.session, written.operation_id)
    return None


def _version(stored: Stored | None) -> int:
    return stored.session.version if stored else 0
