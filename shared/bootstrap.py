"""The container's parts: a Redis by its native protocol, Postgres directly or through Supabase."""

from functools import partial

from redis.asyncio import Redis

from shared.audit.ports import AuditLog
from shared.audit.postgres import PostgresAuditLog
from shared.audit.supabase import SupabaseAuditLog
from shared.audit.supabase_client import connect as connect_to_supabase
from shared.backend import Backend, assemble
from shared.clock import StoreClock
from shared.settings import Settings
from shared.store.redis import NativeConnection, connect

_LOCAL_REDIS = "redis://127.0.0.1:6379/0"


def container(settings: Settings) -> tuple[Backend, Redis]:
    """The parts as `settings` ask for them, and the client that also hears what is published.

    Ends the process where only Upstash's REST protocol is set up, by which nobody can listen.
    """
    if settings.upstash_redis_rest_url and not settings.redis_url:
        raise SystemExit(
            "SyncKairos can't start. Its sockets need the database's native endpoint: set REDIS_URL"
            " to the rediss:// address that Upstash shows beside the REST one."
        )
    url = settings.redis_url.get_secret_value() if settings.redis_url else _LOCAL_REDIS
    redis = connect(url)
    backend = assemble(settings, NativeConnection(redis), audit_log(settings), clock=StoreClock())
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
