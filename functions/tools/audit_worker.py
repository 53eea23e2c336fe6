"""The audit worker in a process of its own, for those who keep it out of the service's."""

import asyncio
from contextlib import suppress

from functions.workers.audit_worker import AuditWorker
from shared.bootstrap import container
from shared.logging import configure
from shared.metrics.prometheus import PrometheusMetrics
from shared.settings import read_settings


async def main() -> None:
    """Empty the outbox until told to stop."""
    settings = read_settings()
    configure(settings.log_level)
    backend, _ = container(settings)
    if backend.audit is None:
        raise SystemExit("The audit worker needs a database: set DATABASE_URL or SUPABASE_URL.")
    metrics = PrometheusMetrics()
    await AuditWorker(backend.outbox, backend.audit, backend.clock, metrics).run()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
