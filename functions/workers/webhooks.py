"""Builds the workers of webhooks."""

from functions.workers.webhook_courier import WebhookCourier
from functions.workers.webhook_dispatcher import WebhookDispatcher
from shared.application.activity import Activity
from shared.application.ports.metrics import Metrics
from shared.composition.backend import Backend


def webhook_workers(
    backend: Backend, metrics: Metrics, activity: Activity | None = None
) -> tuple[WebhookDispatcher, WebhookCourier]:
    """Return the worker that reads the outbox, and the one that sends."""
    activity = activity or Activity()
    courier = WebhookCourier(backend.webhooks, backend.store, metrics, activity)
    dispatcher = WebhookDispatcher(
        backend.webhooks, backend.audit, backend.store, metrics, courier.notify, activity
    )
    courier.look_often_while(lambda: dispatcher.has_webhooks)
    return dispatcher, courier
