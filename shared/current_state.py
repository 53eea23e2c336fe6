"""Sessions as they stand now: loaded, put back where the store lost them, due changes applied."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import islice

from shared.access.permits import Permit
from shared.domain.events import Step
from shared.domain.session import Session
from shared.domain.settlement import settle
from shared.domain.units import Instant
from shared.drafts import Request, draft
from shared.errors import AuditUnavailable
from shared.ports import IdempotencyKey, Loaded, Origin, SessionStore, Stored, Superseded
from shared.recovery import Recovery, anyone

_STEPS_PER_COMMIT = 50
"""Bounds a commit after a long outage, in which many cycles may have gone by."""

_SHOWN_PER_COMMIT = 5_000
"""Bounds the participants in all of its steps: each step is audited and pushed with all of them."""

_SYSTEM = Origin("system")


class CurrentState:
    """What every operation on a session begins with; without a `recovery` nothing is put back."""

    def __init__(self, store: SessionStore, recovery: Recovery | None = None) -> None:
        self._store = store
        self._recovery = recovery

    async def load(
        self,
        permit: Permit,
        name: str,
        key: IdempotencyKey | None = None,
        *,
        with_epoch: bool = False,
    ) -> Loaded:
        """What the store has of a session.

        Raises `RateLimitExceeded` where the caller asks too often, and `StoreUnavailable`.
        """
        permit.allowance.require()
        limits = permit.allowance.limits
        loaded = await self._store.load(name, key, limits, with_epoch=with_epoch)
        permit.allowance.take(loaded.quotas)
        return loaded

    async def found(
        self, loaded: Loaded, name: str, permit: Permit | None, *, even_forgotten: bool = True
    ) -> tuple[Stored | None, Instant]:
        """What was loaded, or what the audit trail has of it where the store has lost it.

        It is put back if the caller may read it; without a `permit` the service itself asks.
        """
        restored = (await self.restored({name: loaded}, permit, even_forgotten)).get(name)
        if restored is None:
            return loaded.stored, loaded.now
        return restored, max(loaded.now, restored.session.updated_at)

    async def restored(
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

    async def newer(
        self, result: Superseded, name: str, now: Instant, permit: Permit | None
    ) -> tuple[Stored | None, Instant]:
        """The state that overtook a commit, and an instant that is not before it.

        There is none if the session was deleted, or the store has lost it since it was loaded.
        """
        if result.stored is None:
            return await self.found(await self._store.load(name), name, permit)
        return result.stored, max(now, result.stored.session.updated_at)

    async def is_unused(self, loaded: Loaded, name: str) -> bool:
        """Whether the id was never used; True also while the trail can't be asked.

        `loaded` is what the store has of it, with the epoch.
        """
        if loaded.is_deleted:
            return False
        try:
            return self._recovery is None or not await self._recovery.knows(name, loaded.epoch)
        except AuditUnavailable:
            return True

    async def was_readable(self, permit: Permit, name: str) -> bool:
        """Whether the caller could read a session that was deleted since."""
        if permit.owner is None:
            return True
        if self._recovery is None:
            return False
        with suppress(AuditUnavailable):
            return await self._recovery.was_admitted(name, permit.may_read)
        return False

    async def caught_up(self, stored: Stored | None, now: Instant) -> tuple[Stored | None, Instant]:
        """Commit all due changes, in portions; returns the state stored then, and the time."""
        while stored and (due := due_steps(stored, now)):
            written = draft(stored, due, now, Request(_SYSTEM)).commit
            result = await self._store.commit(written)
            if isinstance(result, Superseded):
                stored, now = await self.newer(result, written.name, now, None)
            else:
                stored = Stored(due[-1].session, written.operation_id)
        return stored, now


def due_steps(stored: Stored, now: Instant) -> list[Step]:
    """The changes that are due in a session, oldest first; no more than one commit takes."""
    return list(islice(settle(stored.session, now), _most_steps(stored.session)))


def is_backlog(stored: Stored, due: Sequence[Step]) -> bool:
    """Whether more may be due than `due`, which is as much as one commit takes."""
    return len(due) == _most_steps(stored.session)


def _most_steps(session: Session) -> int:
    """How many steps one commit takes."""
    shown_by_each = max(1, len(session.participants))
    return max(1, min(_STEPS_PER_COMMIT, _SHOWN_PER_COMMIT // shown_by_each))


def _is_hidden(found: Loaded, permit: Permit) -> bool:
    """Whether the caller must not learn that there is, or was, such a session."""
    return permit.hides(found.stored.session if found.stored else None)
