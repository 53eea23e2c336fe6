"""Load, settle, transition, commit: how every request and every alarm reaches a session."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice

from shared.access.permits import Permit
from shared.domain.commands import (
    Command,
    Create,
    Delete,
)
from shared.domain.creation import create
from shared.domain.errors import Refusal
from shared.domain.events import Change, Step
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
    OwnerHoldsEnough,
    RecordedAnswer,
    SessionStore,
    Stored,
    Superseded,
    Wakeup,
)
from shared.recall import Recall
from shared.recovery import Recovery, anyone
from shared.session_limits import Limits
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

_SHORTEST_DELAY = Millis(1_000)
_LONGEST_DELAY = Millis(8_000)
"""Bounds how late a due change comes once the store takes it again."""

_SYSTEM = Origin("system")
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
        recall: Recall,
        recovery: Recovery | None = None,
        limits: Limits = _UNLIMITED,
    ) -> None:
        self._store = store
        self._recall = recall
        self._recovery = recovery
        self._limits = limits
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
        spec = replace(spec, tenant=permit.caller.tenant, owner=permit.owner)
        name = permit.name_of(spec.session_id)
        async with patience():
            loaded = await self._load(permit, name, request.key)
            if loaded.recorded:
                return await self._replay(loaded.recorded, request.key, name, loaded.stored)
            if loaded.stored or not (is_new_id or await self._is_unused(loaded, name)):
                raise SessionExists
            created = create(spec, loaded.now)
            self._limits.check_created(created.session, spec)
            written = draft(None, [created], loaded.now, request, self._limits.of_new_session)
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
            loaded = await self._load(permit, name, request.key)
            if loaded.recorded:
                return await self._replay(loaded.recorded, request.key, name, loaded.stored)
            stored, now = await self._found(loaded, name, permit)
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
            due = _due(stored, now)
            try:
                change = self._applied(asked, stored, due, now)
            except (Refusal, PreconditionFailed, _Backlog):
                if due:
                    stored, now = await self._catch_up(stored, now)
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
            stored, now = await self._newer(result, written.commit.name, now, asked.permit)
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
    ) -> list[tuple[Session, Instant] | None]:
        """The sessions in the order asked for, each with the instant at which it was read.

        None stands for one that is not there for the caller.
        """
        names = [permit.name_of(session_id) for session_id in session_ids]
        async with patience():
            many = await self._store.load_many(names, permit.allowance.limits)
            permit.allowance.take(many.quotas)
            loaded = dict(zip(names, many.sessions, strict=True))
            restored = await self._looked_up(loaded, permit)
            return [
                await self._shown(restored.get(name, one.stored), one.now, permit)
                for name, one in loaded.items()
            ]

    async def _shown(
        self, stored: Stored | None, now: Instant, permit: Permit
    ) -> tuple[Session, Instant] | None:
        if stored is None or not permit.may_read(stored.session):
            return None
        stored, now = await self._catch_up(stored, max(now, stored.session.updated_at))
        return (stored.session, now) if stored else None

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
        lost = {
            name: found.now
            for name, found in loaded.items()
            if found.stored is None and not found.is_deleted
        }
        hidden = [n for n, found in loaded.items() if permit and _is_hidden(found, permit)]
        if not lost and not hidden:
            return {}
        admits = permit.may_read if permit else anyone
        try:
            return await self._recovery.restore(
                lost, admits, beside=hidden, even_forgotten=even_forgotten
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
            written = draft(stored, due, now, Request(_SYSTEM)).commit
            result = await self._store.commit(written)
            if isinstance(result, Superseded):
                stored, now = await self._newer(result, written.name, now, None)
            else:
                stored = Stored(due[-1].session, written.operation_id)
        return stored, now

    def _applied(self, asked: _Asked, stored: Stored, due: Sequence[Step], now: Instant) -> Change:
        """What the command makes of the session after the steps that are due.

        Raises `_Backlog` where more is due than one commit takes. A deletion doesn't wait for that:
        it frees room in a store that may be out of it.
        """
        if len(due) == _most_steps(stored.session) and not isinstance(asked.command, Delete):
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


def _due(stored: Stored, now: Instant) -> list[Step]:
    return list(islice(settle(stored.session, now), _most_steps(stored.session)))


def _most_steps(session: Session) -> int:
    """How many steps one commit takes."""
    shown_by_each = max(1, len(session.participants))
    return max(1, min(_STEPS_PER_COMMIT, _SHOWN_PER_COMMIT // shown_by_each))


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


def _left_by(
    result: Committed | AnsweredBefore | OwnerHoldsEnough, written: Commit
) -> Stored | None:
    """What the next change of the session finds; None where it must go by what it has loaded."""
    if isinstance(result, Committed) and written.session:
        return Stored(written.session, written.operation_id)
    return None


def _version(stored: Stored | None) -> int:
    return stored.session.version if stored else 0
