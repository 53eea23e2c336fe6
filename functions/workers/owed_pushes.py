"""Makes up for pushes that failed: those who follow a session are told how it stands by now.

However often it failed meanwhile, and whichever worker comes to it, that is said once. That a clock
has run out is not said again, for the state shows it.
"""

import asyncio
import logging

from shared.composition.supabase_pushes import Pushes
from shared.domain.naming import tenant_and_id
from shared.domain.timekeeping import next_wakeup
from shared.domain.units import Instant, Millis, after
from shared.errors import StoreUnavailable
from shared.metrics.ports import Metrics
from shared.ports import Loaded, SessionStore
from shared.realtime.messages import session_deleted, state_sync
from shared.realtime.ports import OwedPush, PushFailed

_BATCH = 32
_AT_ONCE = 8
"""Even where nothing answers a batch is done with long before the lease ends."""

_LONGEST_SLEEP_S = 1.0
_LONGEST_DELAY_S = 30
_MOST_TRIES = 14
"""Some five minutes: whoever still listens has closed the gap by then."""

_log = logging.getLogger("synckairos.pushes")


class OwedPushWorker:
    """Any number may run: each owed push is one worker's own while it tries."""

    def __init__(self, pushes: Pushes, store: SessionStore, metrics: Metrics) -> None:
        self._owed = pushes.owed
        self._publisher = pushes.publisher
        self._store = store
        self._metrics = metrics
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def run(self) -> None:
        """Work for as long as the instance lives."""
        while True:
            sleep_s = _LONGEST_SLEEP_S
            try:
                next_in_s = await self.retry()
                if next_in_s is not None:
                    sleep_s = min(next_in_s, _LONGEST_SLEEP_S)
            except StoreUnavailable as error:
                _log.debug("left for later: %s", error.message)
            except Exception:
                _log.exception("owed pushes stumbled")
            await asyncio.sleep(sleep_s)

    async def retry(self) -> float | None:
        """Push some of what is due; returns the seconds until more is, None where none is owed.

        Raises `StoreUnavailable`; nothing is forgotten by that.
        """
        taken = await self._owed.take(_BATCH)
        await asyncio.gather(*(self._try(owed) for owed in taken.pushes))
        if taken.pushes:
            return 0
        return None if taken.next_in_ms is None else taken.next_in_ms / 1000

    async def _try(self, owed: OwedPush) -> None:
        """Push it, or have it tried again, now or when the claim on it ends."""
        async with self._slots:
            try:
                await self._push(owed)
            except StoreUnavailable:
                _log.warning("no store; left for later", extra={"session_id": owed.name})
            except Exception:
                _log.exception("an owed push failed", extra={"session_id": owed.name})

    async def _push(self, owed: OwedPush) -> None:
        loaded = await self._store.load(owed.name)
        message = _present(owed.name, loaded)
        if message:
            try:
                await self._publisher.push(owed.name, [message])
            except PushFailed as failure:
                await self._put_off(owed, loaded.now, failure)
                return
            self._metrics.count_pushes("retried", 1)
        await self._owed.settle(owed)

    async def _put_off(self, owed: OwedPush, now: Instant, failure: PushFailed) -> None:
        if owed.tries < _MOST_TRIES:
            delay_s = min(2 ** (owed.tries - 1), _LONGEST_DELAY_S)
            await self._owed.postpone(owed, after(now, Millis(delay_s * 1000)))
            return
        _log.error("gave up a push: %s", failure, extra={"session_id": owed.name})
        self._metrics.count_pushes("lost", 1)
        await self._owed.settle(owed)


def _present(name: str, loaded: Loaded) -> bytes | None:
    """What to tell of the session; nothing where the store knows of none.

    Something may be due in it that is pushed when it is done: until then the last instant stands
    for which this state is right.
    """
    if loaded.stored:
        session = loaded.stored.session
        due_at = next_wakeup(session) or loaded.now
        return state_sync(session, min(loaded.now, due_at))
    if loaded.is_deleted:
        _, session_id = tenant_and_id(name)
        return session_deleted(session_id, loaded.now)
    return None
