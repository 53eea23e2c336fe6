"""Load, settle, transition, commit: how every request and every alarm reaches a session."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, replace
from itertools import islice

from shared.access.permits import Permit
from shared.domain.commands import (
    AddParticipant,
    AdjustTime,
    Command,
    Create,
    Delete,
    Resume,
    Start,
)
from shared.domain.creation import create
from shared.domain.errors import Refusal
from shared.domain.events import Change, Step
from shared.domain.load import UNIT, load, require_bounded
from shared.domain.session import Session
from shared.domain.settlement import settle
from shared.domain.timekeeping import next_wakeup
from shared.domain.transition import transition
from shared.domain.units import Instant, Millis, after, elapsed_between
from shared.drafts import Done, Draft, Request, done, draft, wake_at
from shared.errors import (
    AuditUnavailable,
    IdempotencyKeyReused,
    PreconditionFailed,
    SessionDeleted,
    SessionExists,
    SessionNotFound,
    StoreUnavailable,
    TooManySessions,
    TooMuchHeld,
    TooMuchKept,
    TooMuchLoad,
    TooMuchWritten,
    VersionConflict,
)
from shared.ports import (
    Answer,
    AnsweredBefore,
    Committed,
    IdempotencyKey,
    Loaded,
    Origin,
    OwnerHoldsEnough,
    OwnerLimits,
    RecordedAnswer,
    SessionStore,
    Stored,
    Superseded,
    Wakeup,
)
from shared.recall import Recall
from shared.recovery import Recovery, anyone
from shared.turns import Turns, patience

_ATTEMPTS = 64
"""More than the instances that could ever race for one session: inside one they queue."""

_STEPS_PER_COMMIT = 50
"""Bounds a commit after a long outage, in which many cycles may have gone by."""

_SHORTEST_DELAY = Millis(1_000)
_LONGEST_DELAY = Millis(8_000)
"""Bounds how late a due change comes once the store takes it again."""

_RESERVE = 4
"""The fourth part of an owner's bytes is kept for play in the sessions that it has."""

_SYSTEM = Origin("system")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a change left, and whether that was an earlier try of it; None: no session.

    `recorded` is the whole answer to the earlier try, where version 2.0.0 kept that.
    """

    done: Done | None
    replayed: bool = False
    recorded: Answer | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What sessions may cost: each owner's, and the most load of one session (None: any)."""

    of_owner: OwnerLimits = OwnerLimits()
    load_of_session: int | None = None


class SessionService:
    """The only place that brings the domain and the store together."""

    def __init__(
        self,
        store: SessionStore,
        recall: Recall,
        recovery: Recovery | None = None,
        limits: Limits = Limits(),
    ) -> None:
        self._store = store
        self._recall = recall
        self._recovery = recovery
        self._limits = limits
        self._turns = Turns()

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
        spec = replace(spec, tenant=permit.caller.tenant, owner=permit.owner)
        name = permit.name_of(spec.session_id)
        async with self._turn(permit, name):
            loaded = await self._load(permit, name, request.key)
            if loaded.recorded:
                return await self._replay(loaded.recorded, request.key, name, loaded.stored)
            if loaded.stored or not (is_new_id or await self._is_unused(loaded, name)):
                raise SessionExists
            created = create(spec, loaded.now)
            self._require_bounded(created.session, _field_of_pace(spec))
            limits = _with_reserve(self._limits.of_owner)
            written = draft(None, [created], loaded.now, request, limits)
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

        Concurrent changes are serialised: each is applied to what the one before it left.
        Raises `SessionNotFound`, `Forbidden`, `PreconditionFailed`, `IdempotencyKeyReused`,
        `VersionConflict`, `TooMuchKept`, `TooMuchLoad`, `TooMuchWritten` or a `Refusal`; then the
        command has changed nothing.
        """
        name, command = permit.name_of(session_id), permit.narrowed(command)
        async with self._turn(permit, name):
            loaded = await self._load(permit, name, request.key)
            if loaded.recorded:
                return await self._replay(loaded.recorded, request.key, name, loaded.stored)
            stored, now = await self._found(loaded, name, permit)
            first = stored
            for _ in range(_ATTEMPTS):
                if stored is None:
                    raise SessionNotFound
                permit.check(stored.session)
                due = _due(stored, now)
                try:
                    change = self._applied(command, stored, due, request, now)
                except (Refusal, PreconditionFailed, _Backlog):
                    if not due:
                        raise
                    stored, now = await self._catch_up(stored, now)
                    continue
                limits = _limits_for(command, request, self._limits.of_owner)
                written = draft(stored, [*due, change], now, request, limits)
                result = await self._store.commit(written.commit)
                if not isinstance(result, Superseded):
                    return await self._outcome(result, written)
                stored, now = await self._newer(result, name, now, permit)
        raise VersionConflict(_version(first), _version(stored))

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

    async def could_read(self, permit: Permit, session_id: str) -> bool:
        """Whether the caller could read a session that was deleted since.

        Only the audit trail knows whose it was: where it can't be asked, no host could.
        """
        if permit.owner is None:
            return True
        if self._recovery is None:
            return False
        with suppress(AuditUnavailable):
            return await self._recovery.was_admitted(permit.name_of(session_id), permit.may_read)
        return False

    async def read_many(
        self, permit: Permit, session_ids: Sequence[str]
    ) -> tuple[Instant, list[Session | None]]:
        """The sessions in the order asked for, None for those that are not there for the caller."""
        names = [permit.name_of(session_id) for session_id in session_ids]
        async with patience():
            loaded = await self._store.load_many(names, permit.allowance.limits)
            permit.allowance.take(loaded.quotas)
            found = [
                await self._found(one, name, permit)
                for one, name in zip(loaded.sessions, names, strict=True)
            ]
            shown = [
                (await self._catch_up(stored, now))[0]
                if stored and permit.may_read(stored.session)
                else None
                for stored, now in found
            ]
        return loaded.now, [one.session if one else None for one in shown]

    async def remember(self, key: IdempotencyKey, record: bytes) -> bytes:
        """The record of the first request under `key`, which is this one's if there was none."""
        async with patience():
            return await self._store.remember(key, record)

    async def wake(self, claimed: Wakeup) -> None:
        """Do what has come due in a session of itself, and see to its next wake-up."""
        loaded = await self._store.load(claimed.name)
        found, now = await self._found(loaded, claimed.name, None, even_forgotten=False)
        try:
            stored, now = await self._catch_up(found, now)
        except StoreUnavailable:
            await self._put_off(claimed, found, now)
            raise
        if stored is None:
            await self._store.release(claimed, None)
        elif stored is loaded.stored:
            await self._store.release(claimed, wake_at(stored.session, now))

    async def _put_off(self, claimed: Wakeup, stored: Stored | None, now: Instant) -> None:
        """Try again later what the store wouldn't take, for it may be out of memory.

        The longer it has been due, the later, up to a bound: what can't be done now costs little.
        """
        due = next_wakeup(stored.session) if stored else None
        late = elapsed_between(due or now, now)
        delay = Millis(min(max(late, _SHORTEST_DELAY), _LONGEST_DELAY))
        await self._store.release(claimed, after(now, delay))

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

    def _turn(self, permit: Permit, name: str) -> AbstractAsyncContextManager[None]:
        """The caller's turn on the session; nobody waits for what others may not even ask."""
        return self._turns.of(f"{name} {permit.caller.name}")

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

        It is put back for one who may read it; without a `permit` the service itself asks.
        """
        stored, now = loaded.stored, loaded.now
        if stored is None and not loaded.is_deleted and self._recovery:
            admits = permit.may_read if permit else anyone
            stored = await self._recovery.restore(name, now, admits, even_forgotten=even_forgotten)
            now = max(now, stored.session.updated_at) if stored else now
        return stored, now

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
            written = draft(stored, due, now, Request(_SYSTEM)).commit
            result = await self._store.commit(written)
            if isinstance(result, Superseded):
                stored, now = await self._newer(result, written.name, now, None)
            else:
                stored = Stored(due[-1].session, written.operation_id)
        return stored, now

    def _applied(
        self,
        command: Command,
        stored: Stored,
        due: Sequence[Step],
        request: Request,
        now: Instant,
    ) -> Change:
        """What `command` makes of the session after the steps that are due.

        Raises `_Backlog` where more is due than one commit takes. A deletion doesn't wait for that:
        it frees room in a store that may be out of it.
        """
        if len(due) == _STEPS_PER_COMMIT and not isinstance(command, Delete):
            raise _Backlog
        session = due[-1].session if due else stored.session
        if request.if_match is not None and str(session.version) not in request.if_match:
            raise PreconditionFailed(session.version)
        change = transition(session, command, now)
        field = _LOADING.get(type(command))
        if field and load(change.session) > (0 if isinstance(command, Start) else load(session)):
            self._require_bounded(change.session, field)
        return change

    def _require_bounded(self, session: Session, field: str) -> None:
        if self._limits.load_of_session is not None:
            require_bounded(session, field, self._limits.load_of_session)

    async def _outcome(
        self, result: Committed | AnsweredBefore | OwnerHoldsEnough, written: Draft
    ) -> Outcome:
        commit = written.commit
        if isinstance(result, OwnerHoldsEnough):
            raise _refusal(result, self._limits.of_owner)
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


def _due(stored: Stored, now: Instant) -> list[Step]:
    return list(islice(settle(stored.session, now), _STEPS_PER_COMMIT))


def _version(stored: Stored | None) -> int:
    return stored.session.version if stored else 0


_LOADING: Mapping[type[Command], str] = {
    Start: "time_per_cycle_ms",
    Resume: "time_per_cycle_ms",
    AddParticipant: "participant_id",
    AdjustTime: "total_time_ms",
}
"""Commands that can add to what a session gives to do, and the field that is to blame."""


def _field_of_pace(spec: Create) -> str:
    return "participants" if spec.time_per_cycle_ms is None else "time_per_cycle_ms"


def _limits_for(command: Command, request: Request, most: OwnerLimits) -> OwnerLimits:
    """What the owner may hold after `command`.

    Play in the sessions that it has goes on: only records of answers are bounded there.
    """
    if isinstance(command, AddParticipant):
        kept = _with_reserve(most).bytes
    else:
        kept = most.bytes if request.key else None
    busy = most.load if type(command) in _LOADING else None
    return OwnerLimits(bytes=kept, load=busy, written=most.written)


def _with_reserve(most: OwnerLimits) -> OwnerLimits:
    """What an owner may hold after a session was made or enlarged."""
    return replace(most, bytes=most.bytes and most.bytes - most.bytes // _RESERVE)


def _refusal(result: OwnerHoldsEnough, most: OwnerLimits) -> TooMuchHeld:
    match result.of:
        case "sessions":
            return TooManySessions(most.sessions or 0)
        case "bytes":
            return TooMuchKept(most.bytes or 0)
        case "load":
            return TooMuchLoad((most.load or 0) // UNIT)
        case "written":
            return TooMuchWritten(most.written or 0)
