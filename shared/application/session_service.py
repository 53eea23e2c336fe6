"""Create, change and read sessions: load, settle, apply the command, commit."""

from collections.abc import Callable, Sequence

from shared.application.authorization import Authorization
from shared.application.commit_builder import (
    BuiltCommit,
    ChangeContext,
    ChangeResult,
    build_commit,
)
from shared.application.errors import (
    IdempotencyKeyReused,
    PreconditionFailed,
    SessionDeleted,
    SessionExists,
    SessionNotFound,
    VersionConflict,
)
from shared.application.history import ReplayedStateReader
from shared.application.ports.commit import (
    Commit,
    Committed,
    DuplicateRequest,
    IdempotencyKey,
    IdempotencyRecord,
    QuotaExceeded,
    RevisionConflict,
    StoredSession,
)
from shared.application.ports.session_store import SessionStore
from shared.application.session_limits import SessionLimits
from shared.application.session_loader import (
    SessionLoader,
    due_steps,
    fills_commit,
    max_steps,
)
from shared.application.session_queue import SessionQueues, Turn
from shared.application.session_time import carried_over, session_time
from shared.application.shown_state import ShownState
from shared.application.timeout import store_timeout
from shared.domain.advance import advance
from shared.domain.commands import Advance, Command, Create, Delete, Switch
from shared.domain.creation import create
from shared.domain.errors import InvalidTransition, NotActiveParticipant, Refusal
from shared.domain.events import SessionStep
from shared.domain.session import Session
from shared.domain.transition import transition
from shared.domain.units import Instant
from shared.domain.values import Value, replace

_ATTEMPTS = 64
"""Attempts to apply a change, of which each can be superseded by another change.

The authorized changes of one session queue within an instance, so an attempt is lost only to
another instance, or to a read or an alarm that applied due changes. An instance with a queue pauses
between changes (`SessionQueues`), so that each of n instances wins about every n-th round.
"""

_UNLIMITED = SessionLimits()


class Outcome(Value, frozen=True):
    """Outcome of a change; `result` is None after a deletion.

    `replayed` means that it is the outcome of an earlier request with the same idempotency key,
    `is_dry_run` that the change was not made.
    """

    result: ChangeResult | None
    replayed: bool = False
    is_dry_run: bool = False


class _RequestedChange(Value, frozen=True):
    """A change as requested by a caller."""

    authorization: Authorization
    command: Command
    context: ChangeContext


class SessionService:
    """Applies commands to stored sessions; the only place that connects domain and store."""

    def __init__(
        self,
        store: SessionStore,
        state: SessionLoader,
        recall: ReplayedStateReader,
        limits: SessionLimits = _UNLIMITED,
    ) -> None:
        self._store = store
        self._state = state
        self._recall = recall
        self._limits = limits
        self._limits_of_new = limits.for_creation
        self._turns: SessionQueues[StoredSession] = SessionQueues()

    async def create(
        self,
        authorization: Authorization,
        spec: Create,
        context: ChangeContext,
        *,
        is_new_id: bool = False,
    ) -> Outcome:
        """Create a session that belongs to the caller.

        `is_new_id` means that the id was generated for it and can't have been used before. Raises
        `SessionExists`, `RuleViolation`, `IdempotencyKeyReused`, `SessionLimitExceeded`,
        `StorageLimitExceeded`, `WriteLimitExceeded`.
        """
        if (spec.tenant, spec.owner) != (authorization.caller.tenant, authorization.owner):
            spec = replace(spec, tenant=authorization.caller.tenant, owner=authorization.owner)
        name = authorization.store_name(spec.session_id)
        with store_timeout():
            loaded = await self._state.load(
                authorization, name, context.key, with_epoch=not is_new_id
            )
            if loaded.recorded:
                return await self._replay(loaded.recorded, context.key, name, loaded.stored)
            if loaded.stored or not (is_new_id or await self._state.is_id_unused(loaded, name)):
                raise SessionExists
            created = create(spec, loaded.now)
            self._limits.check_created(created.session, spec)
            drafted = build_commit(None, [created], loaded.now, context, self._limits_of_new)
            if context.is_dry_run:
                return Outcome(drafted.result, is_dry_run=True)
            result = await self._store.commit(drafted.commit)
            if isinstance(result, RevisionConflict):
                raise SessionExists
            return await self._outcome(result, drafted)

    async def change(
        self,
        authorization: Authorization,
        session_id: str,
        command: Command,
        context: ChangeContext,
    ) -> Outcome:
        """Apply `command` to the session, after the changes that are due.

        Concurrent changes are serialised: each is applied to the result of the one before it. The
        caller's permission is checked before it joins the session's queue, and again at its turn.
        Raises `SessionNotFound`, `Forbidden`, `PreconditionFailed`, `IdempotencyKeyReused`,
        `VersionConflict`, `StorageLimitExceeded`, `LoadLimitExceeded`, `WriteLimitExceeded`,
        `StoreUnavailable` (also if the change isn't made within 1.2 s) or a `Refusal`. Except
        after `StoreUnavailable`, the command has then changed nothing.
        """
        name, command = authorization.store_name(session_id), authorization.restrict(command)
        with store_timeout():
            loaded = await self._state.load(authorization, name, context.key)
            if loaded.recorded:
                return await self._replay(loaded.recorded, context.key, name, loaded.stored)
            stored, now = await self._state.found(
                loaded,
                name,
                authorization,
                to_delete=_restored_to_delete(command, context, loaded.now),
            )
            if stored is None:
                raise SessionNotFound
            authorization.check(stored.session, command)
            async with self._turns.of(name) as turn:
                latest = _newest(stored, turn.before)
                now = carried_over(now, stored.session, latest.session)
                requested = _RequestedChange(authorization, command, context)
                return await self._change_in_turn(requested, stored, latest, now, turn)

    async def _change_in_turn(
        self,
        requested: _RequestedChange,
        loaded: StoredSession,
        latest: StoredSession,
        now: Instant,
        turn: Turn[StoredSession],
    ) -> Outcome:
        """Make the requested change in its `turn`, on the `latest` state or a newer one.

        `loaded` is the state loaded before the turn, when there was no idempotency record yet; the
        caller's permission for it has been checked.
        """
        stored: StoredSession | None = latest
        limits = self._limits.after(
            requested.command, is_recorded=requested.context.key is not None
        )
        for _ in range(_ATTEMPTS):
            if stored is None:
                raise SessionNotFound
            if stored is not loaded:
                requested.authorization.check(stored.session, requested.command)
            turn.left = stored
            due = due_steps(stored, now, requested.command)
            try:
                steps = self._apply(requested, stored, due, now)
            except (Refusal, PreconditionFailed, _Backlog) as refusal:
                ends_wait = _ends_wait(requested, refusal)
                if due and due_steps(stored, now, ends_wait):
                    stored, now = await self._state.apply_due(stored, now, ends_wait)
                    continue
                if stored is not loaded and (
                    earlier := await self._earlier_outcome(stored, requested)
                ):
                    return earlier
                raise
            done_at = max(now, steps[-1].occurred_at)
            drafted = build_commit(stored, steps, done_at, requested.context, limits)
            if requested.context.is_dry_run:
                return Outcome(drafted.result, is_dry_run=True)
            result = await self._store.commit(drafted.commit)
            if not isinstance(result, RevisionConflict):
                turn.left = _left_by(result, drafted.commit)
                return await self._outcome(result, drafted)
            turn.is_contested = True
            stored, now = await self._state.reload_superseded(
                result, stored, now, requested.authorization
            )
        raise VersionConflict(_version(latest), _version(stored))

    async def _earlier_outcome(
        self, stored: StoredSession, requested: _RequestedChange
    ) -> Outcome | None:
        """The outcome of an earlier attempt with the same idempotency key, if there was one.

        `stored` may not allow the change because that attempt has made it already.
        """
        key, name = requested.context.key, stored.session.name
        if key is None:
            return None
        loaded = await self._store.load(name, key)
        if loaded.recorded is None:
            return None
        return await self._replay(loaded.recorded, key, name, loaded.stored)

    async def read(self, authorization: Authorization, session_id: str) -> tuple[Session, Instant]:
        """Return the session, and the time of the session at which it was read.

        Raises `SessionNotFound` (`SessionDeleted` if the store knows of the deletion) and
        `Forbidden`.
        """
        name = authorization.store_name(session_id)
        with store_timeout():
            loaded = await self._state.load(authorization, name)
            stored, now = await self._state.found(loaded, name, authorization)
            if stored is None:
                raise SessionDeleted if loaded.is_deleted else SessionNotFound
            authorization.check(stored.session)
            stored, now = await self._state.apply_due(stored, now)
        if stored is None:
            raise SessionNotFound
        return stored.session, now

    async def could_read(self, authorization: Authorization, session_id: str) -> bool:
        """Whether the caller was allowed to read a session that has been deleted.

        Only the audit trail knows its owner, so this is False for a host while it is unavailable.
        """
        return await self._state.could_read(authorization, authorization.store_name(session_id))

    async def read_many(
        self, authorization: Authorization, session_ids: Sequence[str]
    ) -> list[tuple[Session, Instant] | None]:
        """Return the sessions in the requested order, each with the instant of its read.

        None stands for a session that doesn't exist or that the caller may not read.
        """
        names = [authorization.store_name(session_id) for session_id in session_ids]
        with store_timeout():
            limits, token = authorization.rate_limit.limits, authorization.caller.token
            many = await self._store.load_many(names, limits, token)
            authorization.record(many.quotas, is_revoked=many.is_revoked)
            loaded = dict(zip(names, many.sessions, strict=True))
            restored = await self._state.restored(loaded, authorization)
            return [
                await self._read_loaded(restored.get(name, one.stored), one.now, authorization)
                for name, one in loaded.items()
            ]

    async def _read_loaded(
        self, stored: StoredSession | None, now: Instant, authorization: Authorization
    ) -> tuple[Session, Instant] | None:
        if stored is None or not authorization.may_read(stored.session):
            return None
        now = max(session_time(stored.session, now), stored.session.updated_at)
        stored, now = await self._state.apply_due(stored, now)
        return (stored.session, now) if stored else None

    async def remember(self, key: IdempotencyKey, record: bytes, owner: str | None = None) -> bytes:
        """Store `record` under `key` unless it has one; return the stored record.

        Raises `StorageLimitExceeded` if the `owner` (`limited_owner`) would have too many bytes.
        """
        with store_timeout():
            kept = await self._store.remember(key, record, owner, self._limits.of_owner)
        if isinstance(kept, QuotaExceeded):
            raise self._limits.refusal(kept)
        return kept

    def _apply(
        self,
        requested: _RequestedChange,
        stored: StoredSession,
        due: Sequence[SessionStep],
        now: Instant,
    ) -> list[SessionStep]:
        """The `due` steps, and those that the command makes after them.

        Raises `_Backlog` if more is due than fits in one commit. A deletion doesn't wait for that,
        because it frees memory in a store that may have run out of it. An advance waits for all
        that is due, because it makes as many steps as fit in a commit.
        """
        command = requested.command
        if due and isinstance(command, Advance):
            raise _Backlog
        if due and fills_commit(stored, due) and not isinstance(command, Delete):
            raise _Backlog
        session = due[-1].session if due else stored.session
        if requested.context.if_match is not None:
            _require_version(_version_read(stored, due, now), requested.context)
        if isinstance(command, Advance):
            return advance(session, command, now, max_steps(session))
        change = transition(session, command, now)
        self._limits.check_changed(session, change.session, command)
        return [*due, change]

    async def _outcome(
        self, result: Committed | DuplicateRequest | QuotaExceeded, drafted: BuiltCommit
    ) -> Outcome:
        commit = drafted.commit
        if isinstance(result, QuotaExceeded):
            raise self._limits.refusal(result)
        if isinstance(result, DuplicateRequest):
            return await self._replay(result.recorded, commit.key, commit.name, None)
        return Outcome(drafted.result)

    async def _replay(
        self,
        recorded: IdempotencyRecord,
        key: IdempotencyKey | None,
        name: str,
        stored: StoredSession | None,
    ) -> Outcome:
        """The outcome of the first request.

        Raises `IdempotencyKeyReused`, and `AuditUnavailable` if the session that the first response
        showed can't be found now.
        """
        if key is None or recorded.fingerprint != key.fingerprint:
            raise IdempotencyKeyReused
        if recorded.version is None:
            return Outcome(None, replayed=True)
        if recorded.name not in (None, name):
            name, stored = recorded.name, None
        session = await self._recall.session(recorded, name, recorded.version, stored)
        at = session_time(session, recorded.at)
        result = ChangeResult(ShownState(session, at), recorded.expiry)
        return Outcome(result, replayed=True)


class _Backlog(Exception):
    """More changes are due than fit in one commit."""


def _require_version(version: int, context: ChangeContext) -> None:
    """Raise `PreconditionFailed` unless `version` is one that the request accepts."""
    if context.if_match is not None and str(version) not in context.if_match:
        raise PreconditionFailed(version)


def _restored_to_delete(
    command: Command, context: ChangeContext, now: Instant
) -> Callable[[Session], bool] | None:
    """Return whether a session is restored only to be deleted; None for other commands.

    It raises `PreconditionFailed`, so that a session whose deletion is refused isn't restored.
    `now` is the store's time.
    """
    if not isinstance(command, Delete):
        return None

    def is_restored(session: Session) -> bool:
        stored, at = StoredSession(session, ""), max(session_time(session, now), session.updated_at)
        _require_version(_version_read(stored, due_steps(stored, at), at), context)
        return not context.is_dry_run

    return is_restored


def _version_read(stored: StoredSession, due: Sequence[SessionStep], now: Instant) -> int:
    """The version that a read shows at `now`, without a flag that only the command would settle."""
    if due and stored.session.lag is not None:
        due = due_steps(stored, now)
    return due[-1].session.version if due else stored.session.version


def _ends_wait(requested: _RequestedChange, refusal: Exception) -> Command | None:
    """The refused command if it ends the wait for a switch that was sent in time, else None.

    Only the turn's own switch does, if it came too late: the flag has ended the turn before it.
    """
    if requested.context.is_dry_run or not isinstance(requested.command, Switch):
        return None
    is_late = isinstance(refusal, InvalidTransition | NotActiveParticipant)
    return requested.command if is_late else None


def _newest(loaded: StoredSession, before: StoredSession | None) -> StoredSession:
    """The newer of the loaded state and the one that the previous change left.

    Both were current at some time after the request had arrived.
    """
    if before and before.session.version > loaded.session.version:
        return before
    return loaded


def _left_by(
    result: Committed | DuplicateRequest | QuotaExceeded, commit: Commit
) -> StoredSession | None:
    """The state for the next change in the queue; None if that must use what it loaded."""
    return commit.stored if isinstance(result, Committed) else None


def _version(stored: StoredSession | None) -> int:
    return stored.session.version if stored else 0
