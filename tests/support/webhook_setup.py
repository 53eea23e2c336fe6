"""The workers of webhooks on a Redis of their own, with attempts that a test makes due."""

import asyncio
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from functions.workers.webhooks import webhook_workers
from shared.application.ports.webhooks import Attempt, SigningSecret, Webhook
from shared.application.store_clock import StoreClock
from shared.application.webhook_signing import new_secret
from shared.composition.backend import build_backend
from shared.domain.events import SessionChange
from shared.domain.units import Instant
from shared.domain.values import replace
from shared.observability.prometheus import PrometheusMetrics
from shared.settings.settings import Settings
from tests.support.native_redis import native_connection_of
from tests.support.scenarios import commit_of

_SOON_S = 60.0


@dataclass
class WebhookSetup:
    """A store to commit to, and the workers; another process writes the trail (`audit_worker`)."""

    redis: Redis

    def __post_init__(self) -> None:
        settings = Settings(audit_worker="off", pubsub="off")
        connection = native_connection_of(self.redis)
        self.backend = build_backend(settings, connection, None, clock=StoreClock())
        self.metrics = PrometheusMetrics()
        self.dispatcher, self.courier = webhook_workers(self.backend, self.metrics)

    async def register(self, url: str, *events: str) -> Webhook:
        """Add a webhook without a tenant."""
        secrets = (SigningSecret(new_secret()),)
        webhook = Webhook(f"hook{url[-12:]}", url, events or ("*",), Instant(0), secrets)
        assert await self.backend.webhooks.registry.add(None, webhook, 10)
        return webhook

    async def commit(self, *changes: SessionChange) -> None:
        """Commit the changes of one session."""
        revision = None
        for change in changes:
            commit = commit_of(change)
            await self.backend.store.commit(replace(commit, expected=revision))
            revision = commit.operation_id

    async def dispatch(self) -> None:
        """Dispatch all entries of the outbox."""
        while await self.dispatcher.dispatch():
            pass

    async def deliver(self) -> None:
        """Deliver everything that is due now."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        done.set_result(None)
        await self.courier.deliver(done, 0.0, loop.time() + _SOON_S)

    async def make_due(self) -> None:
        """Make each waiting message due, as if its delay or its claim had ended."""
        (shard,) = self.backend.keys.all_shards
        key = self.backend.keys.webhooks_due(shard)
        scored: Any = await self.redis.zrange(key, 0, -1, withscores=True)
        for member, score in scored:
            await self.redis.zadd(key, {member: int(score) % 1024})

    async def attempts(self, webhook: Webhook) -> list[Attempt]:
        """Return all recorded attempts."""
        found = await self.backend.webhooks.queue.attempts(webhook.webhook_id, None, 1_000)
        return [attempt for _, attempt in found]
