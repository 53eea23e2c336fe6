"""One instance of a function: what it keeps from one invocation to the next."""

import asyncio
import gc
import os
import ssl
from contextlib import suppress
from functools import cache, partial

import httpx
from snapshot_restore_py import register_after_restore, register_before_snapshot

from shared.alarms.sqs import SqsAnnouncer
from shared.announcers import Together
from shared.audit.postgrest_client import connect as connect_to_postgrest
from shared.audit.supabase import SupabaseAuditLog
from shared.aws.client import AwsClient, AwsFailed
from shared.aws.parameters import ParametersMissing, read_into_environment
from shared.clock import StoreClock
from shared.composition.backend import Backend, assemble
from shared.composition.supabase_pushes import Pushes, supabase_pushes
from shared.errors import StoreUnavailable
from shared.metrics.emf import EmfMetrics
from shared.metrics.ports import Metrics
from shared.ports import Announcer
from shared.production import require_sound_secrets
from shared.serverless import invocation_log
from shared.settings import Settings, read_settings
from shared.store.observed import ObservedConnection
from shared.store.upstash import UpstashConnection


class Instance:
    """The parts, and the one loop that runs everything.

    A snapshot of it may be restored any time later, many times over: what was open is then closed,
    and what the clock said is long past.
    """

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)
        self._certificates = httpx.create_ssl_context()  # takes as long as a round trip: made once
        self._aws = AwsClient(self._certificates)
        self.settings = self._read_settings()
        invocation_log.configure(self.settings.log_level)
        self.metrics: Metrics = EmfMetrics()
        self._clock = StoreClock()
        self._connection = _connection(self.settings, self._certificates)
        self._audit = _audit_log(self.settings)
        self._queues = self._queues_to_tell()
        self._pushes = self._pushes_to_supabase()
        self.backend = self._assembled()
        register_before_snapshot(self.let_go)
        register_after_restore(self.take_up)

    def let_go(self) -> None:
        """Close every connection, before a snapshot is taken."""
        self.loop.run_until_complete(self._close())

    def take_up(self) -> None:
        """Begin anew after a restore: fresh connections, a fresh measure of the store's clock."""
        self._aws.reopen()
        self._connection.reopen()
        if self._pushes:
            self._pushes.publisher.reopen()
        self._clock.forget()
        with suppress(StoreUnavailable):
            self.loop.run_until_complete(self.backend.store.time())

    async def _close(self) -> None:
        await self.backend.close()
        await self._aws.close()

    def _read_settings(self) -> Settings:
        try:
            self.loop.run_until_complete(read_into_environment(self._aws))
        except (AwsFailed, ParametersMissing) as error:
            raise SystemExit(f"SyncKairos can't start. {error}") from None
        settings = read_settings()
        require_sound_secrets(settings)
        return settings

    def _assembled(self) -> Backend:
        announcers: list[Announcer] = [self._queues] if self._queues else []
        if self._pushes:
            announcers.append(self._pushes.announcer)
        return assemble(
            self.settings,
            ObservedConnection(self._connection, self.metrics.count_store_error),
            self._audit,
            clock=self._clock,
            announcer=Together(announcers) if announcers else None,
            sets_alarms=self._queues is not None,
            pushes=self._pushes,
        )

    def _queues_to_tell(self) -> SqsAnnouncer | None:
        settings = self.settings
        if not (settings.alarm_queue_url and settings.audit_queue_url):
            return None
        return SqsAnnouncer(
            self._aws,
            self._clock,
            settings.alarm_queue_url,
            settings.audit_queue_url,
            settings.longest_alarm_s,
        )

    def _pushes_to_supabase(self) -> Pushes | None:
        """A push that fails is made up for by the audit function, which is called for that."""
        return supabase_pushes(
            self.settings,
            self._connection,
            self._clock,
            self.metrics,
            self._certificates,
            call_worker=self._queues.nudge if self._queues else None,
        )


@cache
def instance() -> Instance:
    """This process' own."""
    return Instance()


def started() -> Instance:
    """This process' own, at the end of its start: what it made is never looked through again."""
    here = instance()
    gc.freeze()
    gc.enable()
    return here


def is_on_lambda() -> bool:
    """Whether this process serves a function, here or at AWS."""
    return "AWS_LAMBDA_FUNCTION_NAME" in os.environ


def _connection(settings: Settings, certificates: ssl.SSLContext) -> UpstashConnection:
    """To the database; functions that have nothing to do there are told of none."""
    token = settings.upstash_redis_rest_token
    url = settings.upstash_redis_rest_url or "http://no-database-is-set-up.invalid"
    return UpstashConnection(url, token.get_secret_value() if token else "", certificates)


def _audit_log(settings: Settings) -> SupabaseAuditLog | None:
    if not (settings.supabase_url and settings.supabase_service_role_key):
        return None
    key = settings.supabase_service_role_key.get_secret_value()
    return SupabaseAuditLog(partial(connect_to_postgrest, settings.supabase_url, key))
