"""What the audit trail costs a request (nothing, is the promise), and how far it lags behind."""

import asyncio
import time
from dataclasses import dataclass
from uuid import uuid4

import httpx
import psycopg
from redis import Redis

from functions.tools.bench.contestants import creation
from functions.tools.bench.failure import BenchFailed
from functions.tools.bench.figures import Figures, of_samples
from infra.local.instance import Instance, running
from infra.local.postgres import embedded_postgres
from infra.local.redis import embedded_redis
from infra.migrate import migrate
from shared.store.keys import Keys

_RATE = 200
_SECONDS = 10.0
_SESSIONS = 50
_DRAIN_TIMEOUT_S = 10.0

_LAGS = """
select (extract(epoch from recorded_at - occurred_at) * 1000)::float from public.sync_events
where event = 'cycle_switched'
"""


@dataclass(frozen=True, slots=True)
class AuditFigures:
    """At two hundred switches a second: answers with and without a trail, and the trail's lag."""

    audited: Figures
    unaudited: Figures
    lag: Figures


def of_trail() -> AuditFigures:
    """The same load on two instances, of which one writes a trail."""
    with embedded_redis() as redis_url, running(redis_url, quiet=True) as instance:
        unaudited = of_samples(asyncio.run(_switch_steadily(instance)))
    with embedded_redis() as redis_url, embedded_postgres() as database:
        migrate(database.url)
        with running(redis_url, quiet=True, DATABASE_URL=database.url) as instance:
            audited = of_samples(asyncio.run(_switch_steadily(instance)))
            _wait_until_drained(redis_url)
            with psycopg.connect(database.url) as connection:
                lags = [lag for (lag,) in connection.execute(_LAGS)]
    return AuditFigures(audited, unaudited, of_samples(lags))


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


def _wait_until_drained(redis_url: str) -> None:
    redis, keys = Redis.from_url(redis_url), Keys()
    give_up = time.monotonic() + _DRAIN_TIMEOUT_S
    while redis.xlen(keys.outbox(keys.all_shards[0])):
        if time.monotonic() > give_up:
            raise BenchFailed("The outbox is not emptied.")
        time.sleep(0.05)
