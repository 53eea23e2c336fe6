"""The audit worker and the retry of failed pushes, in a separate process."""

import asyncio
from contextlib import suppress

from functions.workers.audit_worker import AuditWorker
from functions.workers.push_retries import PushRetryWorker
from shared.composition.container import container
from shared.observability.logging import configure_logging
from shared.observability.prometheus import PrometheusMetrics
from shared.settings.settings import read_settings


async def main() -> None:
    """Write outbox entries to the audit trail and retry failed pushes, until interrupted."""
    settings = read_settings()
    configure_logging(settings.log_level)
    metrics = PrometheusMetrics()
    backend, _ = container(settings, metrics)
    if backend.audit is None:
        raise SystemExit("The audit worker needs a database: set DATABASE_URL or SUPABASE_URL.")
    work = [AuditWorker(backend.outbox, backend.audit, backend.clock, metrics).run()]
    if backend.pushes:
        work.append(PushRetryWorker(backend.pushes, backend.store, metrics).run())
    await asyncio.gather(*work)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
