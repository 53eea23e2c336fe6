"""Load, settle, transition, commit: how every request and every alarm reaches a session."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from shared.access.permits import Permit
from shared.domain.commands import Command, Create
from shared.domain.creation import create
from shared.domain.errors import Refusal
from shared.domain.events import Change, Step
from shared.domain.session import Session
from shared.domain.settlement import settle
from shared.domain.timekeeping import next_wakeup
from shared.domain.transition import transition
from shared.domain.units import Instant
from shared.drafts import Request, Wording, draft, wake_at
from shared.errors import (
    AuditUnavailable,
    IdempotencyKeyReused,
    PreconditionFailed,
    SessionDeleted,
    SessionExists,
    SessionNotFound,
    TooManySessions,
    VersionConflict,
)
from shared.ports import (
    Answer,
    AnsweredBefore,
    Commit,
    Committed,
    IdempotencyKey,
    Loaded,
    Origin,
    OwnerHasEnough,
    RecordedAnswer,
    SessionStore,
    Stored,
    Superseded,
    Wakeup,
)
from shared.recovery import Recovery, anyone
from shared.turns import Turn, Turns, patience

_ATTEMPTS = 64
"""How often a change is applied anew because another one was faster.

The authorized changes of one session queue inside an instance, so an attempt is lost only to
another instance, or to a read or an alarm that applied what was due. An instance with a queue
pauses between its changes (`Turns`), so that of n instances each wins about every n-th round.
"""

_STEPS_PER_COMMIT = 50
"""Bounds a commit after a long outage, in which many cycles may have gone by."""

_SHOWN_PER_COMMIT = 5_000
"""Bounds the participants in all of its steps: each step is audited and pushed with all of them."""

_SYSTEM = Origin("system")


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer to a change, and whether it is that of an earlier try."""

    answer: Answer
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class _Asked:
    """A change as a caller asks for it."""

    permit: Permit
    command: Command
    request: Request
    wording: Wording


class SessionService:
    """The only place that brings the domain and the store together."""

    def __init__(
        self,
        store: SessionStore,
        recovery: Recovery | None = None,
        max_sessions_per_owner: int | None = None,
    ) -> None:
        self._store = store
        self._recovery = recovery
        self._max_sessions_per_owner = max_sessions_per_owner
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
        wording: Wording,
        *,
        is_new_id: bool = False,
    ) -> Outcome:
        """A new session of the caller's. Raises `SessionExists`, `RuleViolation`,
        `IdempotencyKeyReused`, `TooManySessions`.

        `is_new_id` says that the id was made for it, so that nobody can have used it before.
        """
        spec = replace(spec, tenant=permit.caller.tenant, owner=permit.owner)
        name = permit.name_of(spec.session_id)
        async with patience():
            loaded = await self._load(permit, name, request.key)
            if loaded.recorded:
                return _replay(loaded.recorded, request.key)
            if loaded.stored or not (is_new_id or await self._is_unused(loaded, name)):
                raise SessionExists
            written = draft(None, [create(spec, loaded.now)], loaded.now, request, wording)
            written = replace(written, owner_may_have=self._max_sessions_per_owner)
            result = await self._store.commit(written)
            if isinstance(result, Superseded):
                raise SessionExists
            return _outcome(result, written)

    async def change(
        self,
        permit: Permit,
        session_id: str,
        command: Command,
        request: Request,
        wording: Wording,
    ) -> Outcome:
        """Apply `command` to the session as it stands once everything due has happened.

        Concurrent changes are serialised: each is applied to what the one before it left. The
        caller's right is checked before it joins the session's queue, and again at its turn.
        Raises `SessionNotFound`, `Forbidden`, `PreconditionFailed`, `IdempotencyKeyReused`,
        `VersionConflict`, `StoreUnavailable` (also for a turn that doesn't come within 1.2 s) or a
        `Refusal`; then the command has changed nothing.
        """
        name, command = permit.name_of(session_id), permit.narrowed(command)
        async with patience():
            loaded = await self._load(permit, name, request.key)
            if loaded.recorded:
                return _replay(loaded.recorded, request.key)
            stored, now = await self._found(loaded, name, permit)
            if stored is None:
                raise SessionNotFound
            permit.check(stored.session)
            async with self._turns.of(name) as turn:
                latest = _newest(stored, turn.before)
                now = max(now, latest.session.updated_at)
                change = _Asked(permit, command, request, wording)
                return await self._make(change, stored, latest, now, turn)

    async def _make(
        self, asked: _Asked, loaded: Stored, latest: Stored, now: Instant, turn: Turn[Stored]
    ) -> Outcome:
        """Make the change that is `asked` for in its `turn`, on the `latest` state or a newer one.

        `loaded` is the state before the turn, beside which no earlier answer was recorded.
        """
        stored: Stored | None = latest
        for _ in range(_ATTEMPTS):
            if stored is None:
                raise SessionNotFound
            asked.permit.check(stored.session)
            turn.left = stored
            due = _due(stored, now)
            try:
                change = _apply(asked.command, stored, due, asked.request, now)
            except (Refusal, PreconditionFailed, _Backlog):
                if due:
                    stored, now = await self._catch_up(stored, now)
                    continue
                if stored is not loaded and (earlier := await self._answered(stored, asked)):
                    return earlier
                raise
            written = draft(stored, [*due, change], now, asked.request, asked.wording)
            result = await self._store.commit(written)
            if not isinstance(result, Superseded):
                turn.left = _left_by(result, written)
                return _outcome(result, written)
            turn.is_contested = True
            stored, now = await self._newer(result, written.name, now, asked.permit)
        raise VersionConflict(_version(latest), _version(stored))

    async def _answered(self, stored: Stored, asked: _Asked) -> Outcome | None:
        """The answer to an earlier try of a change that `stored` doesn't allow, if there was one:
        `stored` may be what that try has led to."""
        if asked.request.key is None:
            return None
        recorded = (await self._store.load(stored.session.name, asked.request.key)).recorded
        return _replay(recorded, asked.request.key) if recorded else None

    async def read(self, permit: Permit, session_id: str) -> tuple[Session, Instant]:
        """The session and the instant at which it was read.

        Raises `SessionNotFound`, as `SessionDeleted` while that is known, and `Forbidden`.
        """
        name = permit.name_of(session_id)
        async with patience():
            loaded = await self._load(permit, name)
            stored, now = await self._found(loaded, name, permit)
            if stored is None:
                raise SessionDeleted if loaded.is_deleted else SessionNotFound
            permit.check(stored.session)
            stored, now = await self._catch_up(stored, now)
        if stored is None:
            raise SessionNotFound
        return stored.session, now

    async def read_many(
        self, permit: Permit, session_ids: Sequence[str]
    ) -> tuple[Instant, list[Session | None]]:
        """The sessions in the order asked for, None for those that are not there for the caller."""
        names = [permit.name_of(session_id) for session_id in session_ids]
        async with patience():
            loaded = await self._store.load_many(names, permit.allowance.limits)
            permit.allowance.take(loaded.quotas)
            restored = await self._looked_up(dict(zip(names, loaded.sessions, strict=True)), permit)
            found = [
                restored.get(name, one.stored)
                for name, one in zip(names, loaded.sessions, strict=True)
            ]
            shown = [
                (await self._catch_up(stored, max(loaded.now, stored.session.updated_at)))[0]
                if stored and permit.may_read(stored.session)
                else None
                for stored in found
            ]
        return loaded.now, [one.session if one else None for one in shown]

    async def wake(self, claimed: Wakeup) -> None:
        """Do what has come due in a session of itself, and see to its next wake-up."""
        loaded = await self._store.load(claimed.name)
        found = await self._found(loaded, claimed.name, None, even_forgotten=False)
        stored, now = await self._catch_up(*found)
        if stored is None:
            await self._store.release(claimed, None)
        elif stored is loaded.stored:
            await self._store.release(claimed, wake_at(stored.session, now))

    async def ring(self, alarm: Wakeup) -> Instant | None:
        """Do what has come due in a session whose alarm has gone off.

        Returns the session's next wake-up where nothing was due and no other alarm is set for it.
        """
        loaded = await self._store.load(alarm.name)
        found = await self._found(loaded, alarm.name, None, even_forgotten=False)
        stored, now = await self._catch_up(*found)
        if stored is None or stored is not loaded.stored:
            return None
        set_for = loaded.alarm_at or alarm.at
        return next_wakeup(stored.session) if set_for <= max(now, alarm.at) else None

    async def _load(self, permit: Permit, name: str, key: IdempotencyKey | None = None) -> Loaded:
        """What the store has, for a caller who hasn't asked too often, not even while it waited."""
        permit.allowance.require()
        loaded = await self._store.load(name, key, permit.allowance.limits)
        permit.allowance.take(loaded.quotas)
        return loaded

    async def _found(
        self, loaded: Loaded, name: str, permit: Permit | None, *, even_forgotten: bool = True
    ) -> tuple[Stored | None, Instant]:
        """What was loaded, or what the audit trail has of it where the store has lost it.

        It is put back if the caller may read it; without a `permit` the service itself asks.
        """
        restored = (await self._looked_up({name: loaded}, permit, even_forgotten)).get(name)
        if restored is None:
            return loaded.stored, loaded.now
        return restored, max(loaded.now, restored.session.updated_at)

    async def _looked_up(
        self, loaded: Mapping[str, Loaded], permit: Permit | None, even_forgotten: bool = True
    ) -> Mapping[str, Stored]:
        """The sessions that were put back, of those that were `loaded` and not found.

        What a host can't read is looked up in the same way, with the same calls to the store and
        the trail: else the time until the 404 would tell whether there is such a session. Raises
        `AuditUnavailable`, unless all that was not found was deleted.
        """
        if self._recovery is None:
            return {}
        lost = [n for n, found in loaded.items() if found.stored is None and not found.is_deleted]
        hidden = [n for n, found in loaded.items() if permit and _is_hidden(found, permit)]
        if not lost and not hidden:
            return {}
        now = max(found.now for found in loaded.values())
        admits = permit.may_read if permit else anyone
        try:
            return await self._recovery.restore(
                lost, now, admits, beside=hidden, even_forgotten=even_forgotten
            )
        except AuditUnavailable:
            if lost or any(loaded[name].stored for name in hidden):
                raise
            return {}

    async def _newer(
        self, result: Superseded, name: str, now: Instant, permit: Permit | None
    ) -> tuple[Stored | None, Instant]:
        """What overtook us, and an instant that is not before it.

        If it was nothing, the session was deleted, or the store has lost it since we loaded it.
        """
        if result.stored is None:
            return await self._found(await self._store.load(name), name, permit)
        return result.stored, max(now, result.stored.session.updated_at)

    async def _is_unused(self, loaded: Loaded, name: str) -> bool:
        """Whether nobody ever had that id. A trail that can't be asked stands in nobody's way."""
        if loaded.is_deleted:
            return False
        try:
            return self._recovery is None or not await self._recovery.knows(name)
        except AuditUnavailable:
            return True

    async def _catch_up(self, stored: Stored | None, now: Instant) -> tuple[Stored | None, Instant]:
        """Commit everything that is due, in portions; returns what is stored then."""
        while stored and (due := _due(stored, now)):
            written = draft(stored, due, now, Request(_SYSTEM))
            result = await self._store.commit(written)
            if isinstance(result, Superseded):
                stored, now = await self._newer(result, written.name, now, None)
            else:
                stored = Stored(due[-1].session, written.operation_id)
        return stored, now


class _Backlog(Exception):
    """More is due than fits in one commit."""


def _due(stored: Stored, now: Instant) -> list[Step]:
    return list(islice(settle(stored.session, now), _most_steps(stored.session)))


def _most_steps(session: Session) -> int:
    """How many steps one commit takes."""
    shown_by_each = max(1, len(session.participants))
    return max(1, min(_STEPS_PER_COMMIT, _SHOWN_PER_COMMIT // shown_by_each))


def _apply(
    command: Command, stored: Stored, due: Sequence[Step], request: Request, now: Instant
) -> Change:
    if len(due) == _most_steps(stored.session):
        raise _Backlog
    session = due[-1].session if due else stored.session
    if request.if_match is not None and str(session.version) not in request.if_match:
        raise PreconditionFailed(session.version)
    return transition(session, command, now)


def _is_hidden(found: Loaded, permit: Permit) -> bool:
    """Whether the caller must not learn that there is, or was, such a session."""
    return permit.hides(found.stored.session if found.stored else None)


def _newest(loaded: Stored, before: Stored | None) -> Stored:
    """The newer of what was loaded and what the change before left.

    Both were current at some time after the request had arrived.
    """
    if before and before.session.version > loaded.session.version:
        return before
    return loaded


def _left_by(result: Committed | AnsweredBefore | OwnerHasEnough, written: Commit) -> Stored | None:
    """What the next change of the session finds; None where it must go by what it has loaded."""
    if isinstance(result, Committed) and written.session:
        return Stored(written.session, written.operation_id)
    return None


def _version(stored: Stored | None) -> int:
    return stored.session.version if stored else 0


def _outcome(result: Committed | AnsweredBefore | OwnerHasEnough, written: Commit) -> Outcome:
    if isinstance(result, OwnerHasEnough):
        raise TooManySessions(written.owner_may_have or 0)
    if isinstance(result, AnsweredBefore):
        return _replay(result.recorded, written.key)
    assert written.answer is not None
    return Outcome(written.answer)


def _replay(recorded: RecordedAnswer, key: IdempotencyKey | None) -> Outcome:
    if key is None or recorded.fingerprint != key.fingerprint:
        raise IdempotencyKeyReused
    return Outcome(recorded.answer, replayed=True)
