"""The audit worker: everything from the outbox into the trail, exactly once, whatever dies."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import msgspec
import psycopg
import pytest
from redis.asyncio import Redis

from infra.local.postgres import EmbeddedPostgres, embedded_postgres
from infra.local.redis import embedded_redis
from infra.migrate import migrate
from shared.audit.ports import AuditLog
from shared.audit.postgres import PostgresAuditLog
from shared.domain.commands import Complete
from shared.errors import AuditUnavailable
from tests.resilience.faults.faults import Fault
from tests.resilience.faults.proxy import faulty_proxy
from tests.support.desk import TIMEOUT_S, OutboxSetup, running_workers
from tests.support.scenarios import changes_of, entries_of, last_session, switched_session


@pytest.fixture(scope="module")
def quiet_redis_url() -> Iterator[str]:
    """A Redis whose outbox nobody else empties."""
    with embedded_redis() as url:
        yield url


@pytest.fixture(scope="module")
def frail_postgres() -> Iterator[EmbeddedPostgres]:
    """A database that a test may mistreat."""
    with embedded_postgres() as server:
        migrate(server.url)
        yield server


@pytest.fixture
async def redis(quiet_redis_url: str) -> AsyncIterator[Redis]:
    """A client of an empty Redis."""
    client = Redis.from_url(quiet_redis_url)
    await client.flushall()
    yield client
    await client.aclose()


@pytest.fixture
async def audit(frail_postgres: EmbeddedPostgres) -> AsyncIterator[PostgresAuditLog]:
    """The trail."""
    log = PostgresAuditLog(frail_postgres.url)
    yield log
    await log.close()


@pytest.fixture
def desk(redis: Redis, audit: PostgresAuditLog) -> OutboxSetup:
    """An empty outbox and a trail."""
    return OutboxSetup(redis, audit)


async def test_what_was_committed_arrives_and_leaves_the_outbox(desk: OutboxSetup) -> None:
    games = [switched_session(switches=n) for n in range(6)]
    await desk.commit(*games)
    assert await desk.waiting() == sum(map(len, games))
    await desk.worker().deliver()
    assert await desk.waiting() == 0
    for changes in games:
        assert await desk.versions(changes) == [c.session.version for c in changes]


async def test_a_worker_that_died_before_it_wrote_loses_nothing(desk: OutboxSetup) -> None:
    changes = switched_session()
    await desk.commit(changes)
    assert len(await desk.outbox.take("dead", 3)) == 3
    await desk.redis.delete(*map(desk.keys.drainer, desk.keys.all_shards))
    await desk.worker().deliver()
    await desk.worker().deliver()
    async with running_workers(desk.worker()):
        await desk.drained()
    assert await desk.versions(changes) == [1, 2, 3, 4, 5]


async def test_a_worker_that_died_after_it_wrote_doubles_nothing(desk: OutboxSetup) -> None:
    changes = switched_session()
    await desk.commit(changes)
    taken = await desk.outbox.take("dead", 3)
    await desk.audit.append([delivery.entry or b"" for delivery in taken])
    async with running_workers(desk.worker()):
        await desk.drained()
    assert await desk.versions(changes) == [1, 2, 3, 4, 5]


async def test_one_worker_is_at_work_while_others_stand_by(desk: OutboxSetup) -> None:
    await desk.commit(switched_session())
    assert await desk.outbox.take("first", 2)
    assert await desk.outbox.take("second", 2) == []
    assert await desk.outbox.take("first", 2)


async def test_many_workers_write_everything_once(desk: OutboxSetup) -> None:
    games = [switched_session(switches=10) for _ in range(20)]
    async with running_workers(*(desk.worker() for _ in range(4))):
        await asyncio.gather(*(desk.commit(changes) for changes in games))
        await desk.drained()
    for changes in games:
        assert await desk.versions(changes) == [c.session.version for c in changes]
    assert await desk.dead_letters() == []


async def test_the_order_within_a_session_is_that_of_its_versions_at_every_moment(
    desk: OutboxSetup,
) -> None:
    changes = switched_session(switches=200)
    seen: list[list[int]] = []

    async def watch() -> None:
        while not seen or len(seen[-1]) < len(changes):
            seen.append(await desk.versions(changes))

    async with running_workers(desk.worker(), desk.worker()), asyncio.timeout(TIMEOUT_S):
        await asyncio.gather(desk.commit(changes), watch())
    assert all(versions == list(range(1, len(versions) + 1)) for versions in seen)


async def test_one_bad_entry_among_many_is_parked_with_its_reason(desk: OutboxSetup) -> None:
    good, bad = switched_session(switches=40), switched_session(switches=40)
    await desk.commit(good)
    spoilt = entries_of(bad)
    fields = msgspec.json.decode(spoilt[20])
    spoilt[20] = msgspec.json.encode(fields | {"event": "session_teleported"})
    for entry in spoilt:
        await desk.put(last_session(bad).session_id, entry)
    async with running_workers(desk.worker()):
        await desk.drained()
    assert await desk.versions(good) == [c.session.version for c in good]
    assert await desk.versions(bad) == [v for v in range(1, 43) if v != 21]
    (letter,) = await desk.dead_letters()
    assert "session_teleported" in letter["reason"]
    assert msgspec.json.decode(letter["entry"])["version"] == 21
    assert (await desk.store.census()).dead_letters == 1


@pytest.mark.parametrize("rubbish", [b"", b"not json", b"[]", b'{"version": 1}', b"\xff\xfe"])
async def test_what_is_no_entry_at_all_stops_nothing(desk: OutboxSetup, rubbish: bytes) -> None:
    changes = switched_session()
    await desk.put(last_session(changes).session_id, rubbish)
    await desk.commit(changes)
    async with running_workers(desk.worker()):
        await desk.drained()
    assert await desk.versions(changes) == [1, 2, 3, 4, 5]
    (letter,) = await desk.dead_letters()
    assert letter["reason"].startswith("not an audit entry")


async def test_a_field_of_another_name_is_parked_too(desk: OutboxSetup) -> None:
    await desk.redis.xadd(desk.keys.outbox(desk.keys.all_shards[0]), {"letter": "x"})
    async with running_workers(desk.worker()):
        await desk.drained()
    (letter,) = await desk.dead_letters()
    assert letter["reason"] == "not an audit entry: no field `entry`"


async def test_a_version_that_another_change_holds_is_parked(desk: OutboxSetup) -> None:
    changes = switched_session()
    session_id = last_session(changes).session_id
    await desk.commit(changes)
    async with running_workers(desk.worker()):
        await desk.drained()
        (usurper,) = entries_of(changes_of(Complete(), session_id=session_id)[1:], "another")
        await desk.put(session_id, usurper)
        await desk.drained()
    (letter,) = await desk.dead_letters()
    assert letter["reason"] == "another change holds this version"
    assert await desk.versions(changes) == [1, 2, 3, 4, 5]


async def test_a_clash_in_one_tenant_parks_nothing_of_another(desk: OutboxSetup) -> None:
    session_id = last_session(switched_session()).session_id
    games = [
        switched_session(session_id=session_id, tenant=tenant)
        for tenant in ("acme", "zenith", None)
    ]
    await desk.audit.append(entries_of(games[0]))
    usurpers = entries_of(switched_session(session_id=session_id, tenant="acme"), "another")
    for entry in [*usurpers[1:2], *entries_of(games[1]), *entries_of(games[2])]:
        await desk.put(session_id, entry)
    async with running_workers(desk.worker()):
        await desk.drained()
    (letter,) = await desk.dead_letters()
    assert msgspec.json.decode(letter["entry"]) == msgspec.json.decode(usurpers[1])
    for changes in games:
        assert await desk.versions(changes) == [1, 2, 3, 4, 5]


async def test_a_tenant_of_no_name_is_none(desk: OutboxSetup) -> None:
    """Else a clash of it would be found in nobody's session, and dropped."""
    changes = switched_session()
    await desk.audit.append(entries_of(changes))
    usurper = msgspec.json.decode(entries_of(changes, "another")[2])
    await desk.put(usurper["session_id"], msgspec.json.encode(usurper | {"tenant": ""}))
    async with running_workers(desk.worker()):
        await desk.drained()
    (letter,) = await desk.dead_letters()
    assert letter["reason"] == "another change holds this version"


async def test_entries_wait_while_the_database_is_away(
    desk: OutboxSetup, frail_postgres: EmbeddedPostgres
) -> None:
    first, second = switched_session(), switched_session()
    async with running_workers(desk.worker()):
        await desk.commit(first)
        await desk.drained()
        frail_postgres.stop()
        try:
            await desk.commit(second)
            with pytest.raises(AuditUnavailable):
                await desk.audit.ping()
            assert await desk.waiting() == len(second)
        finally:
            frail_postgres.start()
        await desk.drained()
    assert await desk.versions(second) == [1, 2, 3, 4, 5]
    assert await desk.dead_letters() == []


async def test_a_missing_table_is_an_outage_and_nobodys_fault(
    desk: OutboxSetup, frail_postgres: EmbeddedPostgres
) -> None:
    changes = switched_session()
    await desk.commit(changes)

    def rename(old: str, new: str) -> None:
        with psycopg.connect(frail_postgres.url) as connection:
            connection.execute(f"alter function {old}(json) rename to {new}".encode())

    rename("record_events", "mislaid")
    try:
        with pytest.raises(AuditUnavailable):
            await desk.worker().deliver()
    finally:
        rename("mislaid", "record_events")
    assert await desk.waiting() == len(changes)
    assert await desk.dead_letters() == []


async def test_a_database_that_hangs_is_given_up_in_time(frail_postgres: EmbeddedPostgres) -> None:
    with faulty_proxy(frail_postgres.port) as proxy:
        log = PostgresAuditLog(f"postgresql://postgres@127.0.0.1:{proxy.port}/postgres")
        await log.ping()
        with proxy.suffering(Fault(delay_s=3.0)):
            async with asyncio.timeout(2.0):
                with pytest.raises(AuditUnavailable):
                    await log.last(last_session(switched_session()).session_id)
        async with asyncio.timeout(TIMEOUT_S):
            while not await answers(log):
                await asyncio.sleep(0.05)
        await log.close()


async def answers(log: AuditLog) -> bool:
    """Whether the database is there."""
    try:
        await log.ping()
    except AuditUnavailable:
        return False
    return True


async def test_the_lag_is_measured(desk: OutboxSetup) -> None:
    changes = switched_session()
    await desk.store.time()
    await desk.commit(changes)
    census = await desk.store.census()
    assert 0 <= census.outbox_age_ms < 5_000
    await desk.worker().deliver()
    samples = {s.name: s.value for m in desk.metrics.registry.collect() for s in m.samples}
    assert samples["synckairos_audit_lag_ms_count"] == len(changes)
    assert 0 <= samples["synckairos_audit_lag_ms_sum"] < 5_000 * len(changes)
    assert (await desk.store.census()).outbox_age_ms == 0
