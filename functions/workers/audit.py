"""The audit function: writes the outbox to the audit trail, when triggered and every minute.

It also retries failed pushes, and sends webhooks.
"""

import asyncio
from collections.abc import Awaitable
from functools import cache

from functions.workers.audit_worker import AuditWorker
from functions.workers.push_retries import PushRetryWorker
from functions.workers.webhook_courier import WebhookCourier
from functions.workers.webhook_dispatcher import WebhookDispatcher
from functions.workers.webhooks import webhook_workers
from shared.serverless.instance import FunctionInstance
from shared.serverless.worker_functions import ScheduledFunction

_MAX_RUN_S = 40.0
"""Well below the function's timeout; the run of the next minute does the rest."""

_WAIT_FOR_LEASE_S = 0.5

_DISPATCH_EVERY_S = 0.25

_MAX_WAIT_S = 3.0
"""Pushes and webhooks that are due later than this are left to the run of the next minute."""


async def run(here: FunctionInstance) -> None:
    """Deliver entries, retry pushes and send webhooks concurrently; a failure of one doesn't stop
    the others.

    Raises `StoreUnavailable` if the store or the database is unavailable; nothing is lost then.
    """
    work = await here.backend.store.waiting_work()
    delivering = asyncio.ensure_future(deliver(here) if work.entries else asyncio.sleep(0))
    begun: list[Awaitable[None]] = [delivering]
    begun += [retry_pushes(here)] if work.pending_pushes else []
    has_webhooks = (work.entries and work.has_webhooks) or work.webhooks
    begun += [send_webhooks(here, delivering)] if has_webhooks else []
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
        delivered = await worker.deliver()
        if delivered < worker.batch_size and await here.backend.outbox.is_empty():
            return
        if not delivered:
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


async def send_webhooks(here: FunctionInstance, delivering: "asyncio.Future[None]") -> None:
    """Send webhooks until none is due soon and `delivering` has ended.

    Until then, new entries may come. Raises `StoreUnavailable`.
    """
    dispatcher, courier = _webhook_workers(here)
    ends_at = here.loop.time() + _MAX_RUN_S
    dispatching = asyncio.ensure_future(_dispatch(dispatcher, delivering))
    try:
        await courier.deliver(dispatching, _MAX_WAIT_S, ends_at)
    finally:
        await dispatching


async def _dispatch(dispatcher: WebhookDispatcher, delivering: "asyncio.Future[None]") -> None:
    """Dispatch entries until `delivering` has ended and none is left."""
    while True:
        is_last_round = delivering.done()
        while await dispatcher.dispatch():
            pass
        if is_last_round:
            return
        await asyncio.sleep(_DISPATCH_EVERY_S)


@cache
def _webhook_workers(here: FunctionInstance) -> tuple[WebhookDispatcher, WebhookCourier]:
    """Return the same workers for every call, so that the dispatcher keeps its lease."""
    return webhook_workers(here.backend, here.metrics)


@cache
def _audit_worker(here: FunctionInstance) -> AuditWorker | None:
    """Return the same worker for every call, so that it keeps its lease; None without a trail."""
    backend = here.backend
    if backend.audit is None:
        return None
    return AuditWorker(backend.outbox, backend.audit, backend.clock, here.metrics)


handler = ScheduledFunction(run)
