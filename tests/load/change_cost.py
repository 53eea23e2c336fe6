"""`python -m tests.load.change_cost`: what one change of one participant writes and costs.

Commits changes of sessions of several sizes to a Redis and a Postgres of its own. Each change
concerns another participant. Pushes are made, but not counted.
"""

import asyncio
import time
from collections.abc import Iterator
from typing import NamedTuple

import psycopg
from redis.asyncio import Redis

from functions.workers.audit_worker import AuditWorker
from infra.local.postgres import embedded_postgres
from infra.local.redis import embedded_redis
from infra.migrate import migrate
from shared.application.ports.commit import Commit
from shared.application.store_clock import StoreClock
from shared.audit.postgres import PostgresAuditLog
from shared.domain.commands import Start, Switch
from shared.domain.values import replace
from shared.observability.prometheus import PrometheusMetrics
from shared.store.keys import StoreKeys
from shared.store.outbox import RedisOutbox
from shared.store.redis import NativeConnection
from shared.store.sessions import RedisSessionStore
from tests.integration.store.commits import entries_in
from tests.support.large_sessions import commits_of, large_session
from tests.support.measured_connection import MeasuredConnection

_SIZES = (10, 100, 1_000)
_CHANGES = 200


class ChangeCost(NamedTuple):
    """Averages of one change: bytes to the session and to the outbox, bytes of the rows and their
    write-ahead log in Postgres, and processor time in microseconds."""

    session: float
    outbox: float
    rows: float
    wal: float
    instance_us: float
    redis_us: float
    postgres_ms: float


async def change_cost(participants: int, redis_url: str, postgres_url: str) -> ChangeCost:
    """Measure changes of a session with so many participants."""
    measured = MeasuredConnection(NativeConnection(redis_url))
    store = RedisSessionStore(measured, StoreKeys(), StoreClock())
    outbox = RedisOutbox(measured, StoreKeys())
    audit = PostgresAuditLog(postgres_url)
    worker = AuditWorker(outbox, audit, StoreClock(), PrometheusMetrics())
    redis = Redis.from_url(redis_url)
    await redis.flushdb()
    commits = commits_of(large_session(participants), Start(), *[Switch()] * (_CHANGES + 1))
    name = await _commit(store, commits, 2)
    while await worker.deliver():
        pass
    measured.sent, redis_before = 0, await _processor_time(redis)
    began = time.process_time()
    await _commit(store, commits, _CHANGES)
    instance = time.process_time() - began
    sent, redis_time = measured.sent, await _processor_time(redis) - redis_before
    queued = sum(len(fields[b"entry"]) for _, fields in await entries_in(redis))
    with psycopg.connect(postgres_url, autocommit=True) as database:
        before = _position(database)
        began = time.monotonic()
        while await worker.deliver():
            pass
        postgres = time.monotonic() - began
        wal = _position(database) - before
        (stored,) = database.execute(
            "select sum(length(state_snapshot::text)) from sync_events"
            " where session_id = %s and version > 2",
            [name],
        ).fetchone() or (0,)
    await redis.aclose()
    await audit.close()
    await measured.close()
    return ChangeCost(
        (sent - queued) / _CHANGES,
        queued / _CHANGES,
        float(stored) / _CHANGES,
        wal / _CHANGES,
        instance * 1e6 / _CHANGES,
        redis_time * 1e6 / _CHANGES,
        postgres * 1e3 / _CHANGES,
    )


async def _commit(store: RedisSessionStore, commits: Iterator[Commit], count: int) -> str:
    for _ in range(count):
        commit = next(commits)
        await store.commit(replace(commit, pushes=()))
    return commit.name


async def _processor_time(redis: Redis) -> float:
    used = await redis.info("cpu")
    return float(used["used_cpu_user"]) + float(used["used_cpu_sys"])


def _position(database: "psycopg.Connection[tuple[int]]") -> int:
    row = database.execute("select pg_current_wal_lsn() - '0/0'::pg_lsn").fetchone()
    return int(row[0]) if row else 0


async def _print_costs(redis_url: str, postgres_url: str) -> None:
    print("participants", *ChangeCost._fields, sep=" | ")
    for participants in _SIZES:
        cost = await change_cost(participants, redis_url, postgres_url)
        print(participants, *(f"{figure:.1f}" for figure in cost), sep=" | ")


if __name__ == "__main__":
    with embedded_redis() as own_redis, embedded_postgres() as own_postgres:
        migrate(own_postgres.url)
        asyncio.run(_print_costs(own_redis, own_postgres.url))
