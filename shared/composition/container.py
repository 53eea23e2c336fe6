"""Builds the container's backend: Redis over its native protocol, Postgres or Supabase."""

from shared.application.ports.audit_log import AuditLog
from shared.application.ports.metrics import Metrics
from shared.application.store_clock import StoreClock
from shared.audit.postgres import PostgresAuditLog
from shared.audit.supabase_client import connect_with_supabase
from shared.composition.backend import Backend, build_backend, supabase_audit_log
from shared.composition.supabase_pushes import build_supabase_pushes
from shared.settings.settings import Settings
from shared.store.counted_connection import CountedConnection
from shared.store.redis import NativeConnection

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
    redis = redis_connection(settings)
    if settings.pushes_to_supabase and not settings.supabase_service_role_key:
        raise SystemExit(
            "SyncKairos can't start. SUPABASE_PUBLISHABLE_KEY needs SUPABASE_SERVICE_ROLE_KEY to"
            " push changes to clients."
        )
    connection = CountedConnection(redis, metrics.count_store_error)
    clock = StoreClock()
    # Sent in the background, so that no change waits.
    pushes = build_supabase_pushes(settings, connection, clock, metrics, in_background=True)
    backend = build_backend(
        settings,
        connection,
        build_audit_log(settings),
        clock=clock,
        notifier=pushes.notifier if pushes else None,
        pushes=pushes,
    )
    return backend, redis


def redis_connection(settings: Settings) -> NativeConnection:
    """Return the connection to `REDIS_URL`, not opened yet. Ends the process if it is wrong."""
    url = settings.redis_url.get_secret_value() if settings.redis_url else _LOCAL_REDIS
    try:
        return NativeConnection(url)
    except ValueError as error:
        raise SystemExit(f"SyncKairos can't start. REDIS_URL {error}.") from None


def build_audit_log(settings: Settings) -> AuditLog | None:
    """Return the configured audit trail, if any. Ends the process if its key is missing."""
    if settings.database_url:
        return PostgresAuditLog(settings.database_url.get_secret_value())
    audit = supabase_audit_log(settings, connect_with_supabase)
    if settings.supabase_url and audit is None:
        raise SystemExit(
            "SyncKairos can't start. SUPABASE_URL needs SUPABASE_SERVICE_ROLE_KEY or DATABASE_URL."
        )
    return audit
