"""Current state of sessions: load, restore what the store has lost, apply due changes."""

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
"""Limits a commit after a long outage, when many cycles may be due."""

_PARTICIPANTS_PER_COMMIT = 5_000
"""Limits the sum over all steps: each step is audited and pushed with all participants."""

_SYSTEM = Origin("system")


class CurrentState:
    """Loads sessions and brings them up to date. Without a `recovery` none are restored."""

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
        """Load a session from the store and count the request.

        Raises `RateLimitExceeded` and `StoreUnavailable`.
        """
        permit.allowance.require()
        limits = permit.allowance.limits
        loaded = await self._store.load(name, key, limits, with_epoch=with_epoch)
        permit.allowance.take(loaded.quotas)
        return loaded

    async def found(
        self, loaded: Loaded, name: str, permit: Permit | None, *, even_forgotten: bool = True
    ) -> tuple[Stored | None, Instant]:
        """Return the loaded session and the time; restore the session if the store has lost it.

        Only sessions that the caller may read are restored; no `permit` stands for the service
        itself. `even_forgotten` includes sessions whose retention has passed.
        """
        restored = (await self.restored({name: loaded}, permit, even_forgotten)).get(name)
        if restored is None:
            return loaded.stored, loaded.now
        return restored, max(loaded.now, restored.session.updated_at)

    async def restored(
        self, loaded: Mapping[str, Loaded], permit: Permit | None, even_forgotten: bool = True
    ) -> Mapping[str, Stored]:
        """Restore sessions that were `loaded` and not found; return the restored ones by name.

        Sessions that a host may not read are looked up with the same calls to the store and the
        trail; otherwise the time until the 404 would reveal whether they exist. Raises
        `AuditUnavailable`, unless all sessions that were not found are known to be deleted.
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
        """Return the state that superseded a commit, and a time not before it.

        If `result` has no state, the session was deleted or lost; it is then loaded, and restored
        if possible.
        """
        if result.stored is None:
            return await self.found(await self._store.load(name), name, permit)
        return result.stored, max(now, result.stored.session.updated_at)

    async def is_unused(self, loaded: Loaded, name: str) -> bool:
        """Whether a session id was never used; True also while the trail is unavailable.

        `loaded` is the load that didn't find the session, with the epoch.
        """
        if loaded.is_deleted:
            return False
        try:
            return self._recovery is None or not await self._recovery.knows(name, loaded.epoch)
        except AuditUnavailable:
            return True

    async def was_readable(self, permit: Permit, name: str) -> bool:
        """Whether the caller was allowed to read a session that has been deleted."""
        if permit.owner is None:
            return True
        if self._recovery is None:
            return False
        with suppress(AuditUnavailable):
            return await self._recovery.was_admitted(name, permit.may_read)
        return False

    async def caught_up(self, stored: Stored | None, now: Instant) -> tuple[Stored | None, Instant]:
        """Commit all due changes, in batches; return the resulting state and the time."""
        while stored and (due := due_steps(stored, now)):
            commit = draft(stored, due, now, Request(_SYSTEM)).commit
            result = await self._store.commit(commit)
            if isinstance(result, Superseded):
                stored, now = await self.newer(result, commit.name, now, None)
            else:
                stored = Stored(due[-1].session, commit.operation_id)
        return stored, now


def due_steps(stored: Stored, now: Instant) -> list[Step]:
    """Return the steps due in a session, oldest first, at most as many as one commit takes."""
    return list(islice(settle(stored.session, now), _max_steps(stored.session)))


def is_backlog(stored: Stored, due: Sequence[Step]) -> bool:
    """Whether `due` fills a commit, so that more steps may be due."""
    return len(due) == _max_steps(stored.session)


def _max_steps(session: Session) -> int:
    participants = max(1, len(session.participants))
    return max(1, min(_STEPS_PER_COMMIT, _PARTICIPANTS_PER_COMMIT // participants))


def _is_hidden(found: Loaded, permit: Permit) -> bool:
    """Whether the caller must not learn if the session exists or existed."""
    return permit.hides(found.stored.session if found.stored else None)
