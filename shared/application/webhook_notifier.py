"""Starts the worker of webhooks at once when a clock has expired."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from shared.application.errors import StoreUnavailable
from shared.application.ports.notifier import CommitNotification
from shared.application.ports.webhooks import WebhookRegistry
from shared.application.webhook_messages import event_name
from shared.domain.events import EventType
from shared.domain.session import tenant_and_id

_EXPIRY = event_name(EventType.TIME_EXPIRED)


@dataclass(frozen=True, slots=True)
class WebhookNotifier:
    """Calls `start` for an expiry that a webhook of the session's tenant receives.

    For functions: otherwise their worker starts a second later, and only if the outbox was empty.
    """

    registry: WebhookRegistry
    start: Callable[[], Awaitable[None]]

    async def notify(self, news: CommitNotification) -> None:
        """See `Notifier`."""
        if not news.has_expiry:
            return
        tenant, _ = tenant_and_id(news.name)
        with suppress(StoreUnavailable):
            if any(one.receives(_EXPIRY) for one in await self.registry.of(tenant)):
                await self.start()
