"""The container's parts: a Redis by its native protocol, Postgres directly or through Supabase."""

from functools import partial

import httpx

from shared.audit.ports import AuditLog
from shared.audit.postgres import PostgresAuditLog
from shared.audit.supabase import SupabaseAuditLog
from shared.audit.supabase_client import connect as connect_to_supabase
from shared.clock import StoreClock
from shared.composition.backend import Backend, assemble
from shared.composition.supabase_pushes import Pushes, supabase_pushes
from shared.metrics.ports import Metrics
from shared.settings import Settings
from shared.store.connection import Connection
from shared.store.observed import ObservedConnection
from shared.store.redis import NativeConnection, RedisAddress

_LOCAL_REDIS = "redis://127.0.0.1:6379/0"


def container(settings: Settings, metrics: Metrics) -> tuple[Backend, NativeConnection]:
    """The parts as `settings` ask for them, and the Redis that also tells what is published.

    Ends the process where only Upstash's REST protocol is set up, by which nobody can listen, and
    where clients would listen to Supabase Realtime and nothing could be pushed there.
    """
    if settings.upstash_redis_rest_url and not settings.redis_url:
        raise SystemExit(
            "SyncKairos can't start. Its sockets need the database's native endpoint: set REDIS_URL"
            " to the rediss:// address that Upstash shows beside the REST one."
        )
    url = settings.redis_url.get_secret_value() if settings.redis_url else _LOCAL_REDIS
    try:
        redis = NativeConnection(RedisAddress.of(url))
    except ValueError as error:
        raise SystemExit(f"SyncKairos can't start. REDIS_URL {error}.") from None
    connection = ObservedConnection(redis, metrics.count_store_error)
    clock = StoreClock()
    pushes = _pushes(settings, connection, clock, metrics)
    backend = assemble(
        settings,
        connection,
        audit_log(settings),
        clock=clock,
        announcer=pushes.announcer if pushes else None,
        pushes=pushes,
    )
    return backend, redis


def audit_log(settings: Settings) -> AuditLog | None:
    """The audit trail that `settings` name, if any. Ends the process where its key is missing."""
    if settings.database_url:
        return PostgresAuditLog(settings.database_url.get_secret_value())
    if settings.supabase_url and settings.supabase_service_role_key:
        key = settings.supabase_service_role_key.get_secret_value()
        return SupabaseAuditLog(partial(connect_to_supabase, settings.supabase_url, key))
    if settings.supabase_url:
        raise SystemExit(
            "SyncKairos can't start. SUPABASE_URL needs SUPABASE_SERVICE_ROLE_KEY, or a"
            " DATABASE_URL beside it."
        )
    return None


def _pushes(
    settings: Settings, connection: Connection, clock: StoreClock, metrics: Metrics
) -> Pushes | None:
    """Those to Supabase, made in the background: here no change waits for them."""
    if not settings.pushes_to_supabase:
        return None
    if not settings.supabase_service_role_key:
        raise SystemExit(
            "SyncKairos can't start. SUPABASE_PUBLISHABLE_KEY needs SUPABASE_SERVICE_ROLE_KEY, to"
            " push to those who listen."
        )
    certificates = httpx.create_ssl_context()
    return supabase_pushes(settings, connection, clock, metrics, certificates, in_background=True)
