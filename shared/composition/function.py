"""Builds a function's backend: Upstash over REST, Supabase, and the stage's SQS queues."""

import ssl

from shared.application.notifiers import CompositeNotifier
from shared.application.ports.metrics import Metrics
from shared.application.ports.notifier import Notifier
from shared.application.store_clock import StoreClock
from shared.application.webhook_notifier import WebhookNotifier
from shared.audit.postgrest_client import connect_with_postgrest
from shared.aws.client import AwsClient
from shared.aws.sqs import SqsNotifier
from shared.composition.backend import Backend, build_backend, supabase_audit_log
from shared.composition.supabase_pushes import build_supabase_pushes
from shared.settings.settings import Settings
from shared.store.counted_connection import CountedConnection
from shared.store.keys import StoreKeys
from shared.store.upstash import UpstashConnection
from shared.store.webhook_registry import RedisWebhookRegistry


def build_function_backend(
    settings: Settings, metrics: Metrics, aws: AwsClient, certificates: ssl.SSLContext
) -> tuple[Backend, UpstashConnection]:
    """Build the backend from `settings`, without connecting anything.

    Also return the Redis connection, which a restored snapshot must open again.
    """
    clock = StoreClock()
    connection = _connection(settings, certificates)
    queues = _queues(settings, aws, clock)
    # The audit function sends failed pushes again.
    pushes = build_supabase_pushes(
        settings,
        connection,
        clock,
        metrics,
        certificates,
        wake_worker=queues.trigger_audit_worker if queues else None,
    )
    counted = CountedConnection(connection, metrics.count_store_error)
    registry = RedisWebhookRegistry(counted, StoreKeys(settings.store_shards))
    notifiers: list[Notifier] = []
    if queues:
        notifiers += (queues, WebhookNotifier(registry, queues.start_audit_worker))
    if pushes:
        notifiers.append(pushes.notifier)
    backend = build_backend(
        settings,
        counted,
        supabase_audit_log(settings, connect_with_postgrest),
        clock=clock,
        certificates=certificates,
        notifier=CompositeNotifier(notifiers) if notifiers else None,
        sets_alarms=queues is not None,
        pushes=pushes,
    )
    return backend, connection


def _connection(settings: Settings, certificates: ssl.SSLContext) -> UpstashConnection:
    """Return the Redis connection; functions that don't need Redis have no URL configured."""
    token = settings.upstash_redis_rest_token
    url = settings.upstash_redis_rest_url or "http://no-database-is-set-up.invalid"
    return UpstashConnection(url, token.get_secret_value() if token else "", certificates)


def _queues(settings: Settings, aws: AwsClient, clock: StoreClock) -> SqsNotifier | None:
    if not (settings.alarm_queue_url and settings.audit_queue_url):
        return None
    return SqsNotifier(
        aws, clock, settings.alarm_queue_url, settings.audit_queue_url, settings.longest_alarm_s
    )
