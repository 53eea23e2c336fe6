"""The reconcile function, every minute: handles wake-ups whose alarm was lost, and lost data.

It also keeps the audit database awake.
"""

import asyncio
import logging
from functools import cache

from functions.workers.deadline_loop import handle_claimed_wakeup
from functions.workers.keep_awake import DatabaseKeepAwake
from functions.workers.recovery_loop import restore_all
from shared.application.errors import StoreUnavailable
from shared.application.ports.metrics import Metrics
from shared.application.ports.session_store import Wakeup
from shared.application.recovery import Recovery
from shared.domain.units import Instant, Millis, after
from shared.serverless.instance import FunctionInstance
from shared.serverless.worker_functions import ScheduledFunction

_OVERDUE_MS = 2_000
"""Wake-ups that are overdue for less than this are left to their alarm."""

_LEASE = Millis(10_000)
_BATCH = 100
_CONCURRENCY = 16

_log = logging.getLogger("synckairos.reconcile")


async def reconcile(here: FunctionInstance) -> None:
    """Restore what the store has lost, handle all overdue wake-ups, then ping the database.

    Without sessions that run this takes one command, because most Redis plans count commands.
    """
    await _handle_waiting(here)
    if keep_awake := _keep_awake(here):
        await keep_awake.ping_if_due()


async def _handle_waiting(here: FunctionInstance) -> None:
    work = await here.backend.store.waiting_work()
    if work.has_lost_data and here.backend.recovery:
        await _recover(here.backend.recovery, here.metrics)
    elif not work.wakeups:
        return
    while overdue := await _claim_overdue(here):
        slots = asyncio.Semaphore(_CONCURRENCY)
        await asyncio.gather(*(_wake(here, slots, wakeup) for wakeup in overdue))


@cache
def _keep_awake(here: FunctionInstance) -> DatabaseKeepAwake | None:
    """Return the same object for every call, so that it knows when it pinged."""
    return DatabaseKeepAwake(here.backend.audit) if here.backend.audit else None


async def _recover(recovery: Recovery, metrics: Metrics) -> None:
    try:
        await restore_all(recovery, metrics)
    except StoreUnavailable as error:
        _log.warning("recovery will be retried: %s", error.message)


async def _claim_overdue(here: FunctionInstance) -> list[Wakeup]:
    """Claim a batch of overdue wake-ups; return an empty list when none is left."""
    claimed: list[Wakeup] = []
    for shard in await here.backend.store.due_wakeups(_BATCH):
        since = Instant(shard.now - _OVERDUE_MS)
        overdue = [wakeup for wakeup in shard.wakeups if wakeup.at <= since]
        if overdue:
            claimed += await here.backend.store.claim(overdue, after(shard.now, _LEASE))
    return claimed


async def _wake(here: FunctionInstance, slots: asyncio.Semaphore, wakeup: Wakeup) -> None:
    async with slots:
        await handle_claimed_wakeup(here.backend.wakeups, wakeup)


handler = ScheduledFunction(reconcile)
