"""Builds the container's backend: Redis over its native protocol, Postgres or Supabase."""

from functools import partial

import httpx

from shared.application.ports.audit_log import AuditLog
from shared.application.ports.metrics import Metrics
from shared.application.store_clock import StoreClock
from shared.audit.postgres import PostgresAuditLog
from shared.audit.supabase import SupabaseAuditLog
from shared.audit.supabase_client import connect as connect_to_supabase
from shared.composition.backend import Backend, build_backend
from shared.composition.supabase_pushes import SupabasePushes, build_supabase_pushes
from shared.settings.settings import Settings
from shared.store.connection import StoreConnection
from shared.store.counted_connection import CountedConnection
from shared.store.redis import NativeConnection, RedisAddress

_LOCAL_REDIS = "redis://127.0.0.1:6379/0"


def container(settings: Settings, metrics: Metrics) -> tuple[Backend, NativeConnection]:
    """Build the backend from `settings`; also return the Redis connection, for subscriptions.

    Ends the process if only Upstash's REST endpoint is configured, which has no subscriptions, if
    REDIS_URL is wrong, and if a Supabase setting has no secret key.
    """
    if settings.upstash_redis_rest_url and not settings.redis_url:
        raise SystemExit(
            "SyncKairos can't start. WebSockets need the native Redis endpoint: set REDIS_URL to"
            " the rediss:// URL that Upstash shows next to the REST URL."
        )
    url = settings.redis_url.get_secret_value() if settings.redis_url else _LOCAL_REDIS
    try:
        redis = NativeConnection(RedisAddress.of(url))
    except ValueError as error:
        raise SystemExit(f"SyncKairos can't start. REDIS_URL {error}.") from None
    connection = CountedConnection(redis, metrics.count_store_error)
    clock = StoreClock()
    pushes = _pushes(settings, connection, clock, metrics)
    backend = build_backend(
        settings,
        connection,
        build_audit_log(settings),
        clock=clock,
        announcer=pushes.announcer if pushes else None,
        pushes=pushes,
    )
    return backend, redis


def build_audit_log(settings: Settings) -> AuditLog | None:
    """Return the configured audit trail, if any. Ends the process if its key is missing."""
    if settings.database_url:
        return PostgresAuditLog(settings.database_url.get_secret_value())
    if settings.supabase_url and settings.supabase_service_role_key:
        key = settings.supabase_service_role_key.get_secret_value()
        return SupabaseAuditLog(partial(connect_to_supabase, settings.supabase_url, key))
    if settings.supabase_url:
        raise SystemExit(
            "SyncKairos can't start. SUPABASE_URL needs SUPABASE_SERVICE_ROLE_KEY or DATABASE_URL."
        )
    return None


def _pushes(
    settings: Settings, connection: StoreConnection, clock: StoreClock, metrics: Metrics
) -> SupabasePushes | None:
    """Return pushes to Supabase that are sent in the background, so that no change waits."""
    if not settings.pushes_to_supabase:
        return None
    if not settings.supabase_service_role_key:
        raise SystemExit(
            "SyncKairos can't start. SUPABASE_PUBLISHABLE_KEY needs SUPABASE_SERVICE_ROLE_KEY to"
            " push changes to clients."
        )
    certificates = httpx.create_ssl_context()
    return build_supabase_pushes(
        settings, connection, clock, metrics, certificates, in_background=True
    )
