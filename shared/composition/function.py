"""Builds a function's backend: Upstash over REST, Supabase, and the stage's SQS queues."""

import ssl
from dataclasses import dataclass
from functools import partial

from shared.application.notifiers import CompositeNotifier
from shared.application.ports.metrics import Metrics
from shared.application.ports.notifier import Notifier
from shared.application.store_clock import StoreClock
from shared.audit.postgrest_client import connect as connect_to_postgrest
from shared.audit.supabase import SupabaseAuditLog
from shared.aws.client import AwsClient
from shared.aws.sqs import SqsNotifier
from shared.composition.backend import Backend, build_backend
from shared.composition.supabase_pushes import SupabasePushes, build_supabase_pushes
from shared.settings.settings import Settings
from shared.store.counted_connection import CountedConnection
from shared.store.upstash import UpstashConnection


@dataclass(frozen=True, slots=True)
class FunctionComponents:
    """The backend of a function, and its components that a restored snapshot must reopen."""

    backend: Backend
    connection: UpstashConnection
    clock: StoreClock
    pushes: SupabasePushes | None

    def reopen(self) -> None:
        """Open new connections, and discard the clock offset."""
        self.connection.reopen()
        if self.pushes:
            self.pushes.publisher.reopen()
        self.clock.forget()


def build_function_backend(
    settings: Settings, metrics: Metrics, aws: AwsClient, certificates: ssl.SSLContext
) -> FunctionComponents:
    """Build the backend from `settings`, without connecting anything."""
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
    announcers: list[Notifier] = [queues] if queues else []
    if pushes:
        announcers.append(pushes.announcer)
    backend = build_backend(
        settings,
        CountedConnection(connection, metrics.count_store_error),
        _audit_log(settings),
        clock=clock,
        announcer=CompositeNotifier(announcers) if announcers else None,
        sets_alarms=queues is not None,
        pushes=pushes,
    )
    return FunctionComponents(backend, connection, clock, pushes)


def _connection(settings: Settings, certificates: ssl.SSLContext) -> UpstashConnection:
    """Return the Redis connection; functions that don't need Redis have no URL configured."""
    token = settings.upstash_redis_rest_token
    url = settings.upstash_redis_rest_url or "http://no-database-is-set-up.invalid"
    return UpstashConnection(url, token.get_secret_value() if token else "", certificates)


def _audit_log(settings: Settings) -> SupabaseAuditLog | None:
    if not (settings.supabase_url and settings.supabase_service_role_key):
        return None
    key = settings.supabase_service_role_key.get_secret_value()
    return SupabaseAuditLog(partial(connect_to_postgrest, settings.supabase_url, key))


def _queues(settings: Settings, aws: AwsClient, clock: StoreClock) -> SqsNotifier | None:
    if not (settings.alarm_queue_url and settings.audit_queue_url):
        return None
    return SqsNotifier(
        aws, clock, settings.alarm_queue_url, settings.audit_queue_url, settings.longest_alarm_s
    )
