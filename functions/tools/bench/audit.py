"""What the audit trail costs a request, and how far the trail lags behind."""

import asyncio
import time
from dataclasses import dataclass
from uuid import uuid4

import httpx
import psycopg
from redis import Redis

from functions.tools.bench.contestants import Contestants, Service, creation
from functions.tools.bench.failure import BenchFailed
from functions.tools.bench.figures import Figures, of_samples
from infra.local.instance import Instance
from shared.store.keys import Keys

_RATE = 200
_SECONDS = 5.0
_SESSIONS = 50
_DRAIN_TIMEOUT_S = 60.0

_LAGS = """
select (extract(epoch from recorded_at - occurred_at) * 1000)::float from public.sync_events
where event = 'cycle_switched' and recorded_at > %s
"""


@dataclass(frozen=True, slots=True)
class AuditFigures:
    """At 200 switches a second: answers with and without a trail, and the trail's lag."""

    audited: Figures
    unaudited: Figures
    lag: Figures


def of_trail(racers: Contestants) -> AuditFigures:
    """The same load on both instances, of which one carries its entries to Postgres."""
    unaudited = asyncio.run(_switch_steadily(racers.service.instance))
    with psycopg.connect(racers.audited.database_url, autocommit=True) as connection:
        ((begun,),) = connection.execute("select clock_timestamp()")
        audited = asyncio.run(_switch_steadily(racers.audited.instance))
        wait_until_drained(racers.audited)
        lags = [lag for (lag,) in connection.execute(_LAGS, (begun,))]
    return AuditFigures(of_samples(audited), of_samples(unaudited), of_samples(lags))


def wait_until_drained(service: Service) -> None:
    """Return when all audit entries of `service` are in Postgres.

    Raises `BenchFailed` after 60 s.
    """
    redis, keys = Redis.from_url(service.redis_url), Keys()
    give_up = time.monotonic() + _DRAIN_TIMEOUT_S
    while redis.xlen(keys.outbox(keys.all_shards[0])):
        if time.monotonic() > give_up:
            raise BenchFailed("The audit worker doesn't empty the outbox.")
        time.sleep(0.05)
    redis.close()


async def _switch_steadily(instance: Instance) -> list[float]:
    """The latency of each switch, ms, sent at its time whether or not others were answered."""
    session_ids = [str(uuid4()) for _ in range(_SESSIONS)]
    limits = httpx.Limits(max_connections=_SESSIONS, max_keepalive_connections=_SESSIONS)
    async with httpx.AsyncClient(base_url=instance.url, limits=limits, trust_env=False) as http:
        for session_id in session_ids:
            (
                await http.post("/v1/sessions", content=creation(session_id=session_id))
            ).raise_for_status()
            (await http.post(f"/v1/sessions/{session_id}/start")).raise_for_status()
        begun, sent = time.monotonic(), []
        for number in range(int(_RATE * _SECONDS)):
            await asyncio.sleep(max(0, begun + number / _RATE - time.monotonic()))
            session_id = session_ids[number % _SESSIONS]
            sent.append(asyncio.create_task(_switch(http, session_id)))
        return await asyncio.gather(*sent)


async def _switch(http: httpx.AsyncClient, session_id: str) -> float:
    begun = time.monotonic()
    (await http.post(f"/v1/sessions/{session_id}/switch")).raise_for_status()
    return (time.monotonic() - begun) * 1000
