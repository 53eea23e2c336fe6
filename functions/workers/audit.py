"""The audit function: empties the outbox into the trail, when it is nudged and every minute."""

from functions.workers.audit_worker import AuditWorker
from shared.serverless.instance import Instance
from shared.serverless.scheduled_function import ScheduledFunction

_STAY_S = 40.0
"""Well below the function's timeout; what is left then is for the next minute's run."""


async def deliver(here: Instance) -> None:
    """Carry over batches until the outbox is empty, or another worker is at it.

    Raises `StoreUnavailable` where the store or the database is away: nothing is lost by that.
    """
    backend = here.backend
    if backend.audit is None:
        return
    worker = AuditWorker(backend.outbox, backend.audit, backend.clock, here.metrics)
    give_up = here.loop.time() + _STAY_S
    while await worker.deliver() and here.loop.time() < give_up:
        pass


handler = ScheduledFunction(deliver)
