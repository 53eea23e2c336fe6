"""Retries failed pushes: sends the current state to the followers of a session.

The state is sent once, however many pushes failed meanwhile. `TIME_EXPIRED` isn't repeated, as the
state shows that a clock has expired.
"""

import asyncio
import logging

from shared.application.activity import Activity
from shared.application.errors import StoreUnavailable
from shared.application.event_loop import wait_for_event
from shared.application.ports.metrics import Metrics
from shared.application.ports.pending_pushes import PendingPush, PushFailed
from shared.application.ports.session_store import LoadResult, SessionStore
from shared.application.push_messages import session_deleted, state_sync
from shared.application.state_reader import time_shown
from shared.composition.supabase_pushes import SupabasePushes
from shared.domain.session import tenant_and_id
from shared.domain.units import Instant, Millis, after

_BATCH = 32
_CONCURRENCY = 8
"""With these, a batch ends long before its lease even if every request times out."""

_LONGEST_SLEEP_S = 1.0
_MAX_DELAY_S = 30
_MAX_TRIES = 14
"""About five minutes; by then, connected clients have read the state themselves."""

_log = logging.getLogger("synckairos.pushes")


class PushRetryWorker:
    """Retries failed pushes. Several may run: each push is claimed by one worker at a time."""

    def __init__(
        self,
        pushes: SupabasePushes,
        store: SessionStore,
        metrics: Metrics,
        activity: Activity | None = None,
    ) -> None:
        self._pending = pushes.pending
        self._publisher = pushes.publisher
        self._store = store
        self._metrics = metrics
        self._activity = activity or Activity()
        self._use_begins = asyncio.Event()
        self._activity.on_begin(self._use_begins.set)
        self._slots = asyncio.Semaphore(_CONCURRENCY)

    async def run(self) -> None:
        """Retry pushes until cancelled."""
        while True:
            next_in_s: float | None = None
            try:
                next_in_s = await self.retry()
            except StoreUnavailable as error:
                _log.debug("will retry: %s", error.message)
            except Exception:
                _log.exception("the push worker failed; it will retry")
            sleep_s = self._activity.interval_s(_LONGEST_SLEEP_S)
            if next_in_s is not None:
                self._activity.note()
                sleep_s = min(next_in_s, _LONGEST_SLEEP_S)
            await wait_for_event(self._use_begins, sleep_s)

    async def retry(self) -> float | None:
        """Send one batch of due pushes; return the seconds until the next, None if none is left.

        Raises `StoreUnavailable`; no push is lost then.
        """
        taken = await self._pending.take(_BATCH)
        await asyncio.gather(*(self._try(push) for push in taken.pushes))
        if taken.pushes:
            return 0
        return None if taken.next_in_ms is None else taken.next_in_ms / 1000

    async def _try(self, push: PendingPush) -> None:
        """Send a push. After an unexpected error it is retried when its claim expires."""
        async with self._slots:
            try:
                await self._push(push)
            except StoreUnavailable:
                _log.debug("no store; will retry", extra={"session_id": push.name})
            except Exception:
                _log.exception("retrying a push failed", extra={"session_id": push.name})

    async def _push(self, push: PendingPush) -> None:
        loaded = await self._store.load(push.name)
        message = _present(push.name, loaded)
        if message:
            try:
                await self._publisher.push(push.name, [message])
            except PushFailed as failure:
                await self._put_off(push, loaded.now, failure)
                return
            self._metrics.count_pushes("retried", 1)
        await self._pending.settle(push)

    async def _put_off(self, push: PendingPush, now: Instant, failure: PushFailed) -> None:
        if push.tries < _MAX_TRIES:
            delay_s = min(2 ** (push.tries - 1), _MAX_DELAY_S)
            await self._pending.postpone(push, after(now, Millis(delay_s * 1000)))
            return
        _log.error("giving up on a push: %s", failure, extra={"session_id": push.name})
        self._metrics.count_pushes("lost", 1)
        await self._pending.settle(push)


def _present(name: str, loaded: LoadResult) -> bytes | None:
    """Return the message with the session's current state; None if the store doesn't know it."""
    if loaded.stored:
        session = loaded.stored.session
        return state_sync(session, time_shown(session, loaded.now))
    if loaded.is_deleted:
        _, session_id = tenant_and_id(name)
        return session_deleted(session_id, loaded.now)
    return None
