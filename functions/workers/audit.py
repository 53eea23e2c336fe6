"""The audit function: empties the outbox into the trail, when it is nudged and every minute."""

import asyncio
from functools import cache

from functions.workers.audit_worker import AuditWorker
from shared.serverless.instance import Instance
from shared.serverless.scheduled_function import ScheduledFunction

_STAY_S = 40.0
"""Well below the function's timeout; what is left then is for the next minute's run."""

_LEASE_LEFT_S = 0.5


async def deliver(here: Instance) -> None:
    """Carry over batches until the outbox is empty.

    Raises `StoreUnavailable` where the store or the database is away: nothing is lost by that.
    """
    worker = _worker(here)
    if worker is None:
        return
    give_up = here.loop.time() + _STAY_S
    while here.loop.time() < give_up:
        if await worker.deliver():
            continue
        if not (await here.backend.store.census()).outbox_length:
            return
        await asyncio.sleep(_LEASE_LEFT_S)  # another worker is at it, or was when it died


@cache
def _worker(here: Instance) -> AuditWorker | None:
    """One from call to call, so that its lease is still its own; None where there is no trail."""
    backend = here.backend
    if backend.audit is None:
        return None
    return AuditWorker(backend.outbox, backend.audit, backend.clock, here.metrics)


handler = ScheduledFunction(deliver)
