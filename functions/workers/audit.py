"""The audit function: writes the outbox to the audit trail, when triggered and every minute.

It also retries failed pushes.
"""

import asyncio
from functools import cache

from functions.workers.audit_worker import AuditWorker
from functions.workers.push_retries import PushRetryWorker
from shared.serverless.instance import FunctionInstance
from shared.serverless.worker_functions import ScheduledFunction

_MAX_RUN_S = 40.0
"""Well below the function's timeout; the run of the next minute does the rest."""

_WAIT_FOR_LEASE_S = 0.5

_MAX_WAIT_S = 3.0
"""Pushes that are due later than this are left to the run of the next minute."""


async def run(here: FunctionInstance) -> None:
    """Deliver entries and retry pushes concurrently; a failure of one doesn't stop the other.

    Raises `StoreUnavailable` if the store or the database is unavailable; nothing is lost then.
    """
    work = await here.backend.store.waiting_work()
    begun = [deliver(here)] if work.entries else []
    begun += [retry_pushes(here)] if work.pending_pushes else []
    done = await asyncio.gather(*begun, return_exceptions=True)
    for result in done:
        if isinstance(result, BaseException):
            raise result


async def deliver(here: FunctionInstance) -> None:
    """Write batches to the audit trail until the outbox is empty. Raises `StoreUnavailable`."""
    worker = _audit_worker(here)
    if worker is None:
        return
    ends_at = here.loop.time() + _MAX_RUN_S
    while here.loop.time() < ends_at:
        if await worker.deliver():
            continue
        if await here.backend.outbox.is_empty():
            return
        await asyncio.sleep(_WAIT_FOR_LEASE_S)  # a working or crashed worker has the lease


async def retry_pushes(here: FunctionInstance) -> None:
    """Retry failed pushes until none is due soon. Raises `StoreUnavailable`."""
    backend = here.backend
    if backend.pushes is None:
        return
    worker = PushRetryWorker(backend.pushes, backend.store, here.metrics)
    ends_at = here.loop.time() + _MAX_RUN_S
    while here.loop.time() < ends_at:
        next_in_s = await worker.retry()
        if next_in_s is None or next_in_s > _MAX_WAIT_S:
            return
        await asyncio.sleep(next_in_s)


@cache
def _audit_worker(here: FunctionInstance) -> AuditWorker | None:
    """Return the same worker for every call, so that it keeps its lease; None without a trail."""
    backend = here.backend
    if backend.audit is None:
        return None
    return AuditWorker(backend.outbox, backend.audit, backend.clock, here.metrics)


handler = ScheduledFunction(run)
