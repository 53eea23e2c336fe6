"""The audit function: empties the outbox into the trail, when it is nudged and every minute.

It also makes up for pushes that failed.
"""

import asyncio
from functools import cache

from functions.workers.audit_worker import AuditWorker
from functions.workers.owed_pushes import OwedPushWorker
from shared.serverless.instance import Instance
from shared.serverless.scheduled_function import ScheduledFunction

_STAY_S = 40.0
"""Well below the function's timeout; what is left then is for the next minute's run."""

_LEASE_LEFT_S = 0.5

_WORTH_WAITING_S = 3.0
"""What is owed for later than that is for the next minute's run too."""


async def work(here: Instance) -> None:
    """Both of it at once; either goes on where the other can't, and is done before that is told.

    Raises `StoreUnavailable` where the store or the database is away: nothing is lost by that.
    """
    done = await asyncio.gather(deliver(here), push_owed(here), return_exceptions=True)
    for result in done:
        if isinstance(result, BaseException):
            raise result


async def deliver(here: Instance) -> None:
    """Carry over batches until the outbox is empty. Raises `StoreUnavailable`."""
    worker = _audit_worker(here)
    if worker is None:
        return
    give_up = here.loop.time() + _STAY_S
    while here.loop.time() < give_up:
        if await worker.deliver():
            continue
        if not (await here.backend.store.census()).outbox_length:
            return
        await asyncio.sleep(_LEASE_LEFT_S)  # another worker is at it, or was when it died


async def push_owed(here: Instance) -> None:
    """Push what is owed until none is due for a while. Raises `StoreUnavailable`."""
    backend = here.backend
    if backend.pushes is None:
        return
    worker = OwedPushWorker(backend.pushes, backend.store, here.metrics)
    give_up = here.loop.time() + _STAY_S
    while here.loop.time() < give_up:
        next_in_s = await worker.retry()
        if next_in_s is None or next_in_s > _WORTH_WAITING_S:
            return
        await asyncio.sleep(next_in_s)


@cache
def _audit_worker(here: Instance) -> AuditWorker | None:
    """One from call to call, so that its lease is still its own; None where there is no trail."""
    backend = here.backend
    if backend.audit is None:
        return None
    return AuditWorker(backend.outbox, backend.audit, backend.clock, here.metrics)


handler = ScheduledFunction(work)
