"""Current state of sessions: load, restore what the store has lost, apply due changes."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import islice

from shared.application.authorization import Authorization
from shared.application.commit_builder import ChangeContext, build_commit
from shared.application.errors import AuditUnavailable
from shared.application.ports.commit import IdempotencyKey, Origin, RevisionConflict, StoredSession
from shared.application.ports.session_store import LoadResult, SessionStore
from shared.application.recovery import Recovery, admit_all
from shared.application.session_time import carried_over, session_time
from shared.domain.commands import Command
from shared.domain.events import SessionStep
from shared.domain.session import Session
from shared.domain.settlement import is_due, settle
from shared.domain.units import Instant

_STEPS_PER_COMMIT = 50
"""Limits a commit after a long outage, when many cycles may be due."""

_PARTICIPANTS_PER_COMMIT = 5_000
"""Limits the sum over all steps: each step is audited and pushed with all participants."""

_SYSTEM = Origin("system")


class SessionLoader:
    """Loads sessions and brings them up to date. Without a `recovery` none are restored."""

    def __init__(self, store: SessionStore, recovery: Recovery | None = None) -> None:
        self._store = store
        self._recovery = recovery

    async def load(
        self,
        authorization: Authorization,
        name: str,
        key: IdempotencyKey | None = None,
        *,
        with_epoch: bool = False,
    ) -> LoadResult:
        """Load a session from the store and count the request.

        Raises `RateLimitExceeded`, `StoreUnavailable`, and `Unauthenticated` for a revoked token.
        """
        authorization.rate_limit.check()
        limits, token = authorization.rate_limit.limits, authorization.caller.token
        loaded = await self._store.load(name, key, limits, token=token, with_epoch=with_epoch)
        authorization.record(loaded.quotas, is_revoked=loaded.is_revoked)
        return loaded

    async def found(
        self,
        loaded: LoadResult,
        name: str,
        authorization: Authorization | None,
        *,
        include_expired: bool = True,
        to_delete: Callable[[Session], bool] | None = None,
    ) -> tuple[StoredSession | None, Instant]:
        """Return the loaded session and its time; restore the session if the store has lost it.

        Only sessions that the caller may read are restored; no `authorization` stands for the
        service itself. `include_expired` includes sessions whose retention has passed. `to_delete`
        is that of `Recovery.restore`.
        """
        stored = loaded.stored
        if stored is None or (authorization and _is_hidden(loaded, authorization)):
            found = await self.restored(
                {name: loaded},
                authorization,
                include_expired=include_expired,
                to_delete=to_delete,
            )
            if restored := found.get(name):
                now = session_time(restored.session, loaded.now)
                return restored, max(now, restored.session.updated_at)
        if stored is None:
            return None, loaded.now
        return stored, session_time(stored.session, loaded.now)

    async def restored(
        self,
        loaded: Mapping[str, LoadResult],
        authorization: Authorization | None,
        *,
        include_expired: bool = True,
        to_delete: Callable[[Session], bool] | None = None,
    ) -> Mapping[str, StoredSession]:
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
        hidden = [
            n for n, found in loaded.items() if authorization and _is_hidden(found, authorization)
        ]
        if not lost and not hidden:
            return {}
        admits = authorization.may_read if authorization else admit_all
        try:
            return await self._recovery.restore(
                lost,
                admits,
                beside=hidden,
                include_expired=include_expired,
                to_delete=to_delete,
            )
        except AuditUnavailable:
            if lost or any(loaded[name].stored for name in hidden):
                raise
            return {}

    async def reload_superseded(
        self,
        result: RevisionConflict,
        before: StoredSession,
        now: Instant,
        authorization: Authorization | None,
    ) -> tuple[StoredSession | None, Instant]:
        """Return the state that superseded `before`, and a time of the session not before it.

        If `result` has no state, the session was deleted or lost; it is then loaded, and restored
        if possible.
        """
        if result.stored is None:
            name = before.session.name
            return await self.found(await self._store.load(name), name, authorization)
        return result.stored, carried_over(now, before.session, result.stored.session)

    async def is_id_unused(self, loaded: LoadResult, name: str) -> bool:
        """Whether a session id was never used; True also while the trail is unavailable.

        `loaded` is the load that didn't find the session, with the epoch.
        """
        if loaded.is_deleted:
            return False
        try:
            return self._recovery is None or not await self._recovery.knows(name, loaded.epoch)
        except AuditUnavailable:
            return True

    async def could_read(self, authorization: Authorization, name: str) -> bool:
        """Whether the caller was allowed to read a session that has been deleted."""
        if authorization.owner is None:
            return True
        if self._recovery is None:
            return False
        with suppress(AuditUnavailable):
            return await self._recovery.was_allowed(name, authorization.may_read)
        return False

    async def apply_due(
        self, stored: StoredSession | None, now: Instant, command: Command | None = None
    ) -> tuple[StoredSession | None, Instant]:
        """Commit all changes that are due, also before `command` if there is one, in batches.

        Return the resulting state and the time.
        """
        while stored and (due := due_steps(stored, now, command)):
            commit = build_commit(stored, due, now, ChangeContext(_SYSTEM)).commit
            result = await self._store.commit(commit)
            if isinstance(result, RevisionConflict):
                stored, now = await self.reload_superseded(result, stored, now, None)
            else:
                stored = commit.stored
        return stored, now


def due_steps(
    stored: StoredSession, now: Instant, command: Command | None = None
) -> list[SessionStep]:
    """Return the steps due in a session, oldest first, at most as many as one commit takes.

    With a `command`: those that are due before it is applied.
    """
    session = stored.session
    if session.lag is None and not is_due(session, now):
        return []
    return [*islice(settle(session, now, command), max_steps(session))]


def fills_commit(stored: StoredSession, due: Sequence[SessionStep]) -> bool:
    """Whether `due` fills a commit, so that more steps may be due."""
    return bool(due) and len(due) == max_steps(stored.session)


def max_steps(session: Session) -> int:
    """Return how many steps one commit of the session takes at most."""
    participants = max(1, len(session.participants))
    return max(1, min(_STEPS_PER_COMMIT, _PARTICIPANTS_PER_COMMIT // participants))


def _is_hidden(found: LoadResult, authorization: Authorization) -> bool:
    """Whether the caller must not learn if the session exists or existed."""
    return authorization.must_hide(found.stored.session if found.stored else None)
