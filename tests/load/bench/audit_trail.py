"""Cost of the audit trail per request, and lag of the trail."""

import asyncio
import time
from dataclasses import dataclass
from uuid import uuid4

import httpx
import psycopg
from redis import Redis

from infra.local.instance import Instance
from shared.store.keys import StoreKeys
from tests.load.bench.errors import BenchError
from tests.load.bench.figures import Figures, summarize
from tests.load.bench.targets import ServiceTarget, Targets, create_body

_RATE = 200
_SECONDS = 5.0
_SESSIONS = 50
_DRAIN_TIMEOUT_S = 60.0

_LAG_QUERY = """
select (extract(epoch from recorded_at - occurred_at) * 1000)::float from public.sync_events
where event = 'cycle_switched' and recorded_at > %s
"""


@dataclass(frozen=True, slots=True)
class AuditLatency:
    """At 200 switches/s: latency with and without a trail, and the trail's lag."""

    audited: Figures
    unaudited: Figures
    lag: Figures


def measure_audit_trail(targets: Targets) -> AuditLatency:
    """Apply the same load to both services; one of them writes its entries to Postgres."""
    unaudited = asyncio.run(_switch_at_fixed_rate(targets.service.instance))
    with psycopg.connect(targets.audited.database_url, autocommit=True) as connection:
        ((started_at,),) = connection.execute("select clock_timestamp()")
        audited = asyncio.run(_switch_at_fixed_rate(targets.audited.instance))
        wait_until_drained(targets.audited)
        lags = [lag for (lag,) in connection.execute(_LAG_QUERY, (started_at,))]
    return AuditLatency(summarize(audited), summarize(unaudited), summarize(lags))


def wait_until_drained(service: ServiceTarget) -> None:
    """Return when all audit entries of `service` are in Postgres.

    Raises `BenchError` after 60 s.
    """
    redis, keys = Redis.from_url(service.redis_url), StoreKeys()
    give_up = time.monotonic() + _DRAIN_TIMEOUT_S
    while redis.xlen(keys.outbox(keys.all_shards[0])):
        if time.monotonic() > give_up:
            raise BenchError("The audit worker doesn't empty the outbox.")
        time.sleep(0.05)
    redis.close()


async def _switch_at_fixed_rate(instance: Instance) -> list[float]:
    """Return the latency of each switch, ms. Sending doesn't wait for earlier answers."""
    session_ids = [str(uuid4()) for _ in range(_SESSIONS)]
    limits = httpx.Limits(max_connections=_SESSIONS, max_keepalive_connections=_SESSIONS)
    async with httpx.AsyncClient(base_url=instance.url, limits=limits, trust_env=False) as http:
        for session_id in session_ids:
            (
                await http.post("/v1/sessions", content=create_body(session_id=session_id))
            ).raise_for_status()
            (await http.post(f"/v1/sessions/{session_id}/start")).raise_for_status()
        started_at, sent = time.monotonic(), []
        for number in range(int(_RATE * _SECONDS)):
            await asyncio.sleep(max(0, started_at + number / _RATE - time.monotonic()))
            session_id = session_ids[number % _SESSIONS]
            sent.append(asyncio.create_task(_switch(http, session_id)))
        return await asyncio.gather(*sent)


async def _switch(http: httpx.AsyncClient, session_id: str) -> float:
    started_at = time.monotonic()
    (await http.post(f"/v1/sessions/{session_id}/switch")).raise_for_status()
    return (time.monotonic() - started_at) * 1000
