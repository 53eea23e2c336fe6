"""Sessions that the store has lost, put back as the audit trail last saw them."""

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from secrets import token_hex

from shared.audit.ports import AuditLog, Moment, Outbox
from shared.domain.session import Session
from shared.domain.timekeeping import retention
from shared.domain.units import Instant, after
from shared.drafts import restoration
from shared.errors import AuditUnavailable
from shared.ports import Epoch, Memory, SessionStore, Stored, Superseded
from shared.used_ids import UsedIds

_PAGE = 200
_LEFT_ALONE_S = 1.0


class Recovery:
    """Brings back unfinished sessions; what was deleted or has ended stays where it is.

    A restored session goes on from the version that the trail holds. What had not got there when
    the store lost both the session and its outbox is gone: at most the audit lag. One that is not
    on restores nothing, and still tells which ids were ever used.
    """

    def __init__(
        self,
        store: SessionStore,
        memory: Memory,
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
        self._name = token_hex(8)
        self._is_away_until = 0.0
        self._used = UsedIds(store, memory, audit)

    async def knows(self, name: str, epoch: Epoch | None = None) -> bool:
        """Whether there ever was such a session, as far as the audit trail knows.

        The store doesn't know of it; `epoch` was read with that. The trail is asked only where this
        instance can't rule it out (`used_ids.py`). Raises `AuditUnavailable`, and for 1 s after
        that without asking: creations that can do without the answer don't wait for it each time.
        """
        if self._used.exclude(name, epoch):
            return False
        if time.monotonic() < self._is_away_until:
            raise AuditUnavailable
        try:
            return await self._audit.last(name) is not None
        except AuditUnavailable:
            self._is_away_until = time.monotonic() + _LEFT_ALONE_S
            raise

    async def was_admitted(self, name: str, admits: Callable[[Session], bool]) -> bool:
        """Whether there was such a session, and `admits` its last known state.

        Raises `AuditUnavailable`.
        """
        last = (await self._last([name])).get(name)
        return last is not None and admits(last.session)

    async def restore(
        self,
        lost: Mapping[str, Instant],
        admits: Callable[[Session], bool],
        *,
        beside: Sequence[str] = (),
        even_forgotten: bool = True,
    ) -> dict[str, Stored]:
        """Put the `lost` sessions back into the store; returns those with which it can go on.

        `lost` has the time at each session's shard by the session's name.

        A session that has ended, was deleted or is not one that `admits` allows is left out. With
        `even_forgotten` also one comes back that the store was to forget by then. However many
        callers restore a session at once, one of them does. The sessions named `beside` are looked
        up with the same calls and left alone. Raises `AuditUnavailable`.
        """
        if not self._is_on:
            return {}
        last = await self._last({*lost, *beside})
        restored = {}
        for name, now in lost.items():
            moment = last.get(name)
            if moment is None or not moment.is_unfinished or not admits(moment.session):
                continue
            if even_forgotten or _forgotten_at(moment.session) > now:
                stored = await self._put_back(moment.session, now)
                if stored:
                    restored[name] = stored
        return restored

    async def restore_all(self) -> int:
        """Put back every session that will wake of itself on each shard that has lost its memory.

        The others need no watching: each is put back when it is asked for. Shards that can't be
        reached are left for later. Some more of the used ids is read, too. To be called about once
        a second. Returns how many sessions were put back. Raises `AuditUnavailable`.
        """
        restored = await self._restore_lost() if self._is_on else 0
        await self._used.advance()
        return restored

    async def _restore_lost(self) -> int:
        if not (lost := await self._memory.lost()):
            return 0
        shards = await self._memory.begin_recovery(self._name, lost)
        if not shards:
            return 0
        # The outbox first: what leaves it meanwhile is in the trail, which is read after it.
        waiting = await self._outbox.newest(shards)
        restored, last_id = 0, None
        while page := await self._audit.waking(last_id, _PAGE):
            await self._memory.begin_recovery(self._name, shards)
            here = [session for session in page if self._memory.shard_of(session.name) in shards]
            restored += await self._put_all_back(await self._lost(here), waiting)
            last_id = page[-1].name
        await self._memory.end_recovery(self._name, shards)
        return restored

    async def _lost(self, sessions: Sequence[Session]) -> list[tuple[Session, Instant]]:
        """Those of `sessions` that the store doesn't know of, and when it was asked."""
        if not sessions:
            return []
        loaded = await self._store.load_many([session.name for session in sessions])
        return [
            (session, found.now)
            for session, found in zip(sessions, loaded.sessions, strict=True)
            if found.stored is None and not found.is_deleted
        ]

    async def _put_all_back(
        self, lost: Iterable[tuple[Session, Instant]], waiting: Mapping[str, Moment]
    ) -> int:
        newest = [(waiting.get(session.name), session, now) for session, now in lost]
        unfinished = [
            self._put_back(moment.session if moment else session, now)
            for moment, session, now in newest
            if moment is None or moment.is_unfinished
        ]
        return len(await asyncio.gather(*unfinished))

    async def _last(self, names: Collection[str]) -> dict[str, Moment]:
        """The last that is known of the sessions, wherever their audit entries have got to.

        The trail is asked before the outbox, so that an audit database that is away costs no
        walk through all that waits for it; and after it, for an entry may have moved meanwhile.
        """
        await self._audit.ping()
        waiting = await self._outbox.newest_of(names)
        return await self._audit.last_of(names) | waiting

    async def _put_back(self, session: Session, now: Instant) -> Stored | None:
        commit = restoration(session, max(now, session.updated_at))
        result = await self._store.commit(commit)
        if isinstance(result, Superseded):
            return result.stored
        return Stored(session, commit.operation_id)


def anyone(_: Session) -> bool:
    """Admits every session: the service itself asks."""
    return True


def _forgotten_at(session: Session) -> Instant:
    return after(session.updated_at, retention(session))
