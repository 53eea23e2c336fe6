"""Builds the parts of webhooks."""

import ssl
from dataclasses import dataclass

import httpx

from shared.application.ports.audit_log import Outbox
from shared.application.ports.webhooks import WebhookQueue, WebhookRegistry
from shared.settings.settings import Settings
from shared.store.connection import StoreConnection
from shared.store.keys import StoreKeys
from shared.store.outbox import AUDIT, RedisOutbox
from shared.store.webhook_queue import RedisWebhookQueue
from shared.store.webhook_readers import WEBHOOKS
from shared.store.webhook_registry import RedisWebhookRegistry
from shared.webhooks.sender import CheckedSender


@dataclass(frozen=True, slots=True)
class Webhooks:
    """The registrations, the queue, the sender, and the outbox as the workers of webhooks see it.

    With `allows_http`, receivers on this machine are allowed, also without TLS.
    """

    registry: WebhookRegistry
    queue: WebhookQueue
    sender: CheckedSender
    outbox: Outbox
    allows_http: bool


def build_webhooks(
    settings: Settings,
    connection: StoreConnection,
    keys: StoreKeys,
    certificates: ssl.SSLContext | None,
) -> Webhooks:
    """Build the parts, without connecting anything."""
    is_local = settings.app_env == "local"
    return Webhooks(
        RedisWebhookRegistry(connection, keys),
        RedisWebhookQueue(connection, keys),
        CheckedSender(certificates or httpx.create_ssl_context(), allows_loopback=is_local),
        RedisOutbox(connection, keys, WEBHOOKS, other=AUDIT),
        is_local,
    )
