"""The audit worker, the retry of failed pushes, and webhooks, in a separate process."""

import asyncio
from contextlib import suppress

from functions.container.workers import build_audit_workers, build_channels
from shared.application.activity import Activity
from shared.composition.container import container
from shared.observability.logging import configure_logging
from shared.observability.prometheus import PrometheusMetrics
from shared.settings.settings import read_settings


async def main() -> None:
    """Write outbox entries to the audit trail, retry failed pushes and send webhooks, until
    interrupted."""
    settings = read_settings()
    configure_logging(settings.log_level)
    metrics = PrometheusMetrics()
    backend, redis = container(settings, metrics)
    if backend.audit is None:
        raise SystemExit("The audit worker needs a database: set DATABASE_URL or SUPABASE_URL.")
    activity = Activity()
    channels = build_channels(backend, redis, metrics, activity)
    workers = [channels, *build_audit_workers(backend, metrics, channels, activity)]
    await asyncio.gather(*(worker.run() for worker in workers))


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
