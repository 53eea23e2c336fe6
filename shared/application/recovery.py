"""Restore sessions from the audit trail after the store has lost them."""

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from secrets import token_hex

from shared.application.commit_builder import build_restoring_commit
from shared.application.errors import AuditUnavailable
from shared.application.ports.audit_log import AuditLog, Outbox, SessionSnapshot
from shared.application.ports.commit import RevisionConflict, StoredSession
from shared.application.ports.data_loss import DataLossDetector, Epoch
from shared.application.ports.session_store import SessionStore
from shared.application.session_time import session_time
from shared.application.used_ids import UsedIds
from shared.domain.session import Session
from shared.domain.timekeeping import retention_ms
from shared.domain.units import Instant, after

_PAGE = 200
_RETRY_AFTER_S = 1.0


class Recovery:
    """Restores unfinished sessions, and ended ones only to delete them, but no deleted ones.

    A restored session continues from the newest version in the trail or the outbox. If the store
    lost the outbox too, changes that had not reached the trail are lost: at most the audit lag.
    If `is_on` is false it restores a session only to delete it, but still tells which ids were
    used.
    """

    def __init__(
        self,
        store: SessionStore,
        memory: DataLossDetector,
        outbox: Outbox,
        audit: AuditLog,
        *,
        is_on: bool = True,
    ) -> None:
        self._store = store
        self._memory = memory
        self._outbox = outbox
        self._audit = audit
        self._is_on = is_on
        self._id = token_hex(8)
        self._unavailable_until = 0.0
        self._used_ids = UsedIds(store, memory, audit)

    async def knows(self, name: str, epoch: Epoch | None = None) -> bool:
        """Whether the audit trail has a session of that name, which the store doesn't know.

        `epoch` was read together with the session. The trail is read only if this instance can't
        rule the session out (`used_ids.py`). Raises `AuditUnavailable`, and repeats that for 1 s
        without asking, so that creations that don't need the result are not delayed each time.
        """
        if self._used_ids.exclude(name, epoch):
            return False
        if time.monotonic() < self._unavailable_until:
            raise AuditUnavailable
        try:
            return await self._audit.last(name) is not None
        except AuditUnavailable:
            self._unavailable_until = time.monotonic() + _RETRY_AFTER_S
            raise

    async def was_allowed(self, name: str, admits: Callable[[Session], bool]) -> bool:
        """Whether there was such a session, and `admits` is true for its last known state.

        Raises `AuditUnavailable`.
        """
        last = (await self._last_known([name])).get(name)
        return last is not None and admits(last.session)

    async def restore(
        self,
        lost: Mapping[str, Instant],
        admits: Callable[[Session], bool],
        *,
        beside: Sequence[str] = (),
        include_expired: bool = True,
        to_delete: Callable[[Session], bool] | None = None,
    ) -> dict[str, StoredSession]:
        """Restore the `lost` sessions; return those that are in the store now, by name.

        `lost` maps the session's name to the time of its shard.

        Sessions that were deleted or aren't allowed by `admits` are left out, and without
        `include_expired` also those whose retention has passed. A deletion needs sessions that are
        not restored otherwise: those that have ended, and all if `is_on` is false. They are
        restored if `to_delete` is true for them. Concurrent calls restore a session once. Sessions
        named in `beside` are looked up with the same calls, but not restored. Raises
        `AuditUnavailable`, and what `to_delete` raises.
        """
        if not self._is_on and to_delete is None:
            return {}
        last = await self._last_known({*lost, *beside})
        restored = {}
        for name, now in lost.items():
            snapshot = last.get(name)
            if snapshot is None or snapshot.is_deletion or not admits(snapshot.session):
                continue
            is_kept = self._is_on and not snapshot.session.status.is_terminal
            if not (is_kept or (to_delete and to_delete(snapshot.session))):
                continue
            session_now = session_time(snapshot.session, now)
            if include_expired or _retention_ends_at(snapshot.session) > session_now:
                stored = await self._restore_one(snapshot.session, now)
                if stored:
                    restored[name] = stored
        return restored

    async def restore_all(self) -> int:
        """Restore sessions with a start, flag fall or warning ahead, on shards that lost data.

        Other sessions are restored when they are requested. Unreachable shards are left for later.
        Also reads more of the used ids. Call it about once a second. Returns the number of restored
        sessions. Raises `AuditUnavailable`.
        """
        restored = await self._restore_lost() if self._is_on else 0
        await self._used_ids.advance()
        return restored

    async def _restore_lost(self) -> int:
        if not (lost := await self._memory.lost()):
            return 0
        shards = await self._memory.begin_recovery(self._id, lost)
        if not shards:
            return 0
        # The outbox first: entries that leave it meanwhile are in the trail, which is read later.
        waiting = await self._completed(await self._outbox.newest(shards))
        restored, last_id = 0, None
        while page := await self._audit.sessions_with_wakeup(last_id, _PAGE):
            await self._memory.begin_recovery(self._id, shards)
            leased = [session for session in page if self._memory.shard_of(session.name) in shards]
            restored += await self._restore_each(await self._missing_of(leased), waiting)
            last_id = page[-1].name
        await self._memory.end_recovery(self._id, shards)
        return restored

    async def _missing_of(self, sessions: Sequence[Session]) -> list[tuple[Session, Instant]]:
        """The sessions that the store doesn't know, each with its shard's time."""
        if not sessions:
            return []
        loaded = await self._store.load_many([session.name for session in sessions])
        return [
            (session, found.now)
            for session, found in zip(sessions, loaded.sessions, strict=True)
            if found.stored is None and not found.is_deleted
        ]

    async def _restore_each(
        self, lost: Iterable[tuple[Session, Instant]], waiting: Mapping[str, SessionSnapshot]
    ) -> int:
        newest = [(waiting.get(session.name), session, now) for session, now in lost]
        unfinished = [
            self._restore_one(snapshot.session if snapshot else session, now)
            for snapshot, session, now in newest
            if snapshot is None or snapshot.can_change
        ]
        return len(await asyncio.gather(*unfinished))

    async def _last_known(self, names: Collection[str]) -> dict[str, SessionSnapshot]:
        """The last known state of each session, from the outbox or the trail.

        The trail is pinged first, so that the outbox isn't searched while the database is down. It
        is read after the outbox, because entries may have moved meanwhile.
        """
        await self._audit.ping()
        waiting = await self._completed(await self._outbox.newest_versions_of(names))
        return await self._audit.newest_of(names) | waiting

    async def _completed(
        self, waiting: Mapping[str, SessionSnapshot]
    ) -> dict[str, SessionSnapshot]:
        """The snapshots with all participants, without those that can't be completed."""
        return {
            name: whole
            for name, snapshot in waiting.items()
            if (whole := await self._audit.completed(snapshot))
        }

    async def _restore_one(self, session: Session, now: Instant) -> StoredSession | None:
        now = max(session_time(session, now), session.updated_at)
        commit = build_restoring_commit(session, now)
        result = await self._store.commit(commit)
        if isinstance(result, RevisionConflict):
            return result.stored
        return commit.stored


def admit_all(_: Session) -> bool:
    """Admit every session, for calls by the service itself."""
    return True


def _retention_ends_at(session: Session) -> Instant:
    """Return when the session need not be kept any longer, by its own time."""
    return after(session.updated_at, retention_ms(session))
