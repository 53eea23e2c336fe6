"""Create, change and read sessions: load, settle, apply the command, commit."""

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
"""Attempts to apply a change, of which each can be superseded by another change.

The authorized changes of one session queue within an instance, so an attempt is lost only to
another instance, or to a read or an alarm that applied due changes. An instance with a queue pauses
between changes (`Turns`), so that each of n instances wins about every n-th round.
"""

_UNLIMITED = Limits()


@dataclass(frozen=True, slots=True)
class Outcome:
    """Outcome of a change; `done` is None if there is no session to show.

    `replayed` means that it is the outcome of an earlier request with the same idempotency key;
    `recorded` is the whole response to that, if version 2.0.0 recorded it.
    """

    done: Done | None
    replayed: bool = False
    recorded: Answer | None = None


@dataclass(frozen=True, slots=True)
class _RequestedChange:
    """A change as requested by a caller."""

    permit: Permit
    command: Command
    request: Request


class SessionService:
    """Applies commands to stored sessions; the only place that connects domain and store."""

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
        """Return the scope of the idempotency key of a creation."""
        return self._store.creation_scope(key, session_id and permit.name_of(session_id))

    def new_session_id(self, permit: Permit, scope: str | None) -> str:
        """Return an id for a session that is created under an idempotency key of `scope`."""
        return self._store.new_session_id(scope, permit.caller.tenant)

    async def create(
        self,
        permit: Permit,
        spec: Create,
        request: Request,
        *,
        is_new_id: bool = False,
    ) -> Outcome:
        """Create a session that belongs to the caller.

        `is_new_id` means that the id was generated for it and can't have been used before. Raises
        `SessionExists`, `RuleViolation`, `IdempotencyKeyReused`, `TooManySessions`, `TooMuchKept`,
        `TooMuchWritten`.
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
            drafted = draft(None, [created], loaded.now, request, self._limits_of_new)
            result = await self._store.commit(drafted.commit)
            if isinstance(result, Superseded):
                raise SessionExists
            return await self._outcome(result, drafted)

    async def change(
        self,
        permit: Permit,
        session_id: str,
        command: Command,
        request: Request,
    ) -> Outcome:
        """Apply `command` to the session, after the changes that are due.

        Concurrent changes are serialised: each is applied to the result of the one before it. The
        caller's permission is checked before it joins the session's queue, and again at its turn.
        Raises `SessionNotFound`, `Forbidden`, `PreconditionFailed`, `IdempotencyKeyReused`,
        `VersionConflict`, `TooMuchKept`, `TooMuchLoad`, `TooMuchWritten`, `StoreUnavailable` (also
        if the change isn't made within 1.2 s) or a `Refusal`. Except after `StoreUnavailable`, the
        command has then changed nothing.
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
                requested = _RequestedChange(permit, command, request)
                return await self._change_in_turn(requested, stored, latest, now, turn)

    async def _change_in_turn(
        self,
        requested: _RequestedChange,
        loaded: Stored,
        latest: Stored,
        now: Instant,
        turn: Turn[Stored],
    ) -> Outcome:
        """Make the requested change in its `turn`, on the `latest` state or a newer one.

        `loaded` is the state loaded before the turn, when there was no idempotency record yet.
        """
        stored: Stored | None = latest
        limits = self._limits.after(
            requested.command, is_recorded=requested.request.key is not None
        )
        for _ in range(_ATTEMPTS):
            if stored is None:
                raise SessionNotFound
            requested.permit.check(stored.session)
            turn.left = stored
            due = due_steps(stored, now)
            try:
                change = self._apply(requested, stored, due, now)
            except (Refusal, PreconditionFailed, _Backlog):
                if due:
                    stored, now = await self._state.caught_up(stored, now)
                    continue
                if stored is not loaded and (
                    earlier := await self._earlier_outcome(stored, requested)
                ):
                    return earlier
                raise
            drafted = draft(stored, [*due, change], now, requested.request, limits)
            result = await self._store.commit(drafted.commit)
            if not isinstance(result, Superseded):
                turn.left = _left_by(result, drafted.commit)
                return await self._outcome(result, drafted)
            turn.is_contested = True
            stored, now = await self._state.newer(
                result, drafted.commit.name, now, requested.permit
            )
        raise VersionConflict(_version(latest), _version(stored))

    async def _earlier_outcome(self, stored: Stored, requested: _RequestedChange) -> Outcome | None:
        """The outcome of an earlier attempt with the same idempotency key, if there was one.

        `stored` may not allow the change because that attempt has made it already.
        """
        key, name = requested.request.key, stored.session.name
        if key is None:
            return None
        loaded = await self._store.load(name, key)
        if loaded.recorded is None:
            return None
        return await self._replay(loaded.recorded, key, name, loaded.stored)

    async def read(self, permit: Permit, session_id: str) -> tuple[Session, Instant]:
        """Return the session and the instant at which it was read.

        Raises `SessionNotFound` (`SessionDeleted` if the store knows of the deletion) and
        `Forbidden`.
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
        """Whether the caller was allowed to read a session that has been deleted.

        Only the audit trail knows its owner, so this is False for a host while it is unavailable.
        """
        return await self._state.was_readable(permit, permit.name_of(session_id))

    async def read_many(
        self, permit: Permit, session_ids: Sequence[str]
    ) -> list[tuple[Session, Instant] | None]:
        """Return the sessions in the requested order, each with the instant of its read.

        None stands for a session that doesn't exist or that the caller may not read.
        """
        names = [permit.name_of(session_id) for session_id in session_ids]
        async with patience():
            many = await self._store.load_many(names, permit.allowance.limits)
            permit.allowance.take(many.quotas)
            loaded = dict(zip(names, many.sessions, strict=True))
            restored = await self._state.restored(loaded, permit)
            return [
                await self._read_loaded(restored.get(name, one.stored), one.now, permit)
                for name, one in loaded.items()
            ]

    async def _read_loaded(
        self, stored: Stored | None, now: Instant, permit: Permit
    ) -> tuple[Session, Instant] | None:
        if stored is None or not permit.may_read(stored.session):
            return None
        stored, now = await self._state.caught_up(stored, max(now, stored.session.updated_at))
        return (stored.session, now) if stored else None

    async def remember(self, key: IdempotencyKey, record: bytes) -> bytes:
        """Store `record` under `key` unless it has one; return the stored record."""
        async with patience():
            return await self._store.remember(key, record)

    def _apply(
        self, requested: _RequestedChange, stored: Stored, due: Sequence[Step], now: Instant
    ) -> Change:
        """The change that the command makes after the `due` steps.

        Raises `_Backlog` if more is due than fits in one commit. A deletion doesn't wait for that,
        because it frees memory in a store that may have run out of it.
        """
        if is_backlog(stored, due) and not isinstance(requested.command, Delete):
            raise _Backlog
        session = due[-1].session if due else stored.session
        expected = requested.request.if_match
        if expected is not None and str(session.version) not in expected:
            raise PreconditionFailed(session.version)
        change = transition(session, requested.command, now)
        self._limits.check_changed(session, change.session, requested.command)
        return change

    async def _outcome(
        self, result: Committed | AnsweredBefore | OwnerHoldsEnough, drafted: Draft
    ) -> Outcome:
        commit = drafted.commit
        if isinstance(result, OwnerHoldsEnough):
            raise self._limits.refusal(result)
        if isinstance(result, AnsweredBefore):
            return await self._replay(result.recorded, commit.key, commit.name, None)
        return Outcome(drafted.done)

    async def _replay(
        self,
        recorded: RecordedAnswer,
        key: IdempotencyKey | None,
        name: str,
        stored: Stored | None,
    ) -> Outcome:
        """The outcome of the first request.

        Raises `IdempotencyKeyReused`, and `AuditUnavailable` if the session that the first response
        showed can't be found now.
        """
        if key is None or recorded.fingerprint != key.fingerprint:
            raise IdempotencyKeyReused
        if recorded.answer or recorded.version is None:
            return Outcome(None, replayed=True, recorded=recorded.answer)
        if recorded.name not in (None, name):
            name, stored = recorded.name, None
        session = await self._recall.session(recorded, name, recorded.version, stored)
        return Outcome(done(session, recorded.at, recorded.expiry), replayed=True)


class _Backlog(Exception):
    """More changes are due than fit in one commit."""


def _newest(loaded: Stored, before: Stored | None) -> Stored:
    """The newer of the loaded state and the one that the previous change left.

    Both were current at some time after the request had arrived.
    """
    if before and before.session.version > loaded.session.version:
        return before
    return loaded


def _left_by(
    result: Committed | AnsweredBefore | OwnerHoldsEnough, commit: Commit
) -> Stored | None:
    """The state for the next change in the queue; None if that must use what it loaded."""
    if isinstance(result, Committed) and commit.session:
        return Stored(commit.session, commit.operation_id)
    return None


def _version(stored: Stored | None) -> int:
    return stored.session.version if stored else 0
