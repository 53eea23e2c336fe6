"""The audit worker writes each outbox entry to the trail once, despite crashes and outages."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import psycopg
import pytest
from redis.asyncio import Redis

from infra.local.postgres import EmbeddedPostgres
from shared.application.errors import AuditUnavailable
from shared.application.ports.audit_log import AuditLog
from shared.audit.postgres import PostgresAuditLog
from shared.domain.commands import Complete
from tests.support.desk import TIMEOUT_S, OutboxSetup, running_workers
from tests.support.fault_proxy.faults import STALLED
from tests.support.fault_proxy.proxy import faulty_proxy
from tests.support.scenarios import changes_of, entries_of, last_session, switched_session


@pytest.fixture
async def audit(breakable_postgres: EmbeddedPostgres) -> AsyncIterator[PostgresAuditLog]:
    """The audit log in `breakable_postgres`."""
    log = PostgresAuditLog(breakable_postgres.url)
    yield log
    await log.close()


@pytest.fixture
def desk(redis: Redis, audit: PostgresAuditLog) -> OutboxSetup:
    """A desk with an empty outbox and its audit trail in `breakable_postgres`."""
    return OutboxSetup(redis, audit)


async def test_committed_entries_reach_the_trail_and_leave_the_outbox(desk: OutboxSetup) -> None:
    games = [switched_session(switches=n) for n in range(6)]
    await desk.commit(*games)
    assert await desk.waiting() == sum(map(len, games))
    await desk.worker().deliver()
    assert await desk.waiting() == 0
    for changes in games:
        assert await desk.versions(changes) == [c.session.version for c in changes]


async def test_a_worker_that_dies_before_writing_loses_nothing(desk: OutboxSetup) -> None:
    changes = switched_session()
    await desk.commit(changes)
    assert len(await desk.outbox.take("dead", 3)) == 3
    await desk.redis.delete(*map(desk.keys.outbox_lease, desk.keys.all_shards))
    await desk.worker().deliver()
    await desk.worker().deliver()
    async with running_workers(desk.worker()):
        await desk.drained()
    assert await desk.versions(changes) == [1, 2, 3, 4, 5]


async def test_a_worker_that_dies_after_writing_duplicates_nothing(desk: OutboxSetup) -> None:
    changes = switched_session()
    await desk.commit(changes)
    taken = await desk.outbox.take("dead", 3)
    await desk.audit.append([delivery.entry or b"" for delivery in taken])
    async with running_workers(desk.worker()):
        await desk.drained()
    assert await desk.versions(changes) == [1, 2, 3, 4, 5]


async def test_only_one_worker_at_a_time_takes_entries(desk: OutboxSetup) -> None:
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


async def test_a_session_is_written_in_version_order_at_all_times(
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


async def test_one_bad_entry_among_many_becomes_a_dead_letter_with_its_reason(
    desk: OutboxSetup,
) -> None:
    good, bad = switched_session(switches=40), switched_session(switches=40)
    await desk.commit(good)
    entries = entries_of(bad)
    fields = msgspec.json.decode(entries[20])
    entries[20] = msgspec.json.encode(fields | {"event": "session_teleported"})
    for entry in entries:
        await desk.put(last_session(bad).session_id, entry)
    async with running_workers(desk.worker()):
        await desk.drained()
    assert await desk.versions(good) == [c.session.version for c in good]
    assert await desk.versions(bad) == [v for v in range(1, 43) if v != 21]
    (letter,) = await desk.dead_letters()
    assert "session_teleported" in letter["reason"]
    assert msgspec.json.decode(letter["entry"])["version"] == 21
    assert (await desk.store.statistics()).dead_letters == 1


@pytest.mark.parametrize("invalid", [b"", b"not json", b"[]", b'{"version": 1}', b"\xff\xfe"])
async def test_an_invalid_entry_becomes_a_dead_letter_and_blocks_nothing(
    desk: OutboxSetup, invalid: bytes
) -> None:
    changes = switched_session()
    await desk.put(last_session(changes).session_id, invalid)
    await desk.commit(changes)
    async with running_workers(desk.worker()):
        await desk.drained()
    assert await desk.versions(changes) == [1, 2, 3, 4, 5]
    (letter,) = await desk.dead_letters()
    assert letter["reason"].startswith("not an audit entry")


async def test_an_entry_without_the_field_entry_becomes_a_dead_letter(desk: OutboxSetup) -> None:
    await desk.redis.xadd(desk.keys.outbox(desk.keys.all_shards[0]), {"letter": "x"})
    async with running_workers(desk.worker()):
        await desk.drained()
    (letter,) = await desk.dead_letters()
    assert letter["reason"] == "not an audit entry: no field `entry`"


async def test_an_entry_whose_version_another_change_holds_becomes_a_dead_letter(
    desk: OutboxSetup,
) -> None:
    changes = switched_session()
    session_id = last_session(changes).session_id
    await desk.commit(changes)
    async with running_workers(desk.worker()):
        await desk.drained()
        (conflicting,) = entries_of(changes_of(Complete(), session_id=session_id)[1:], "another")
        await desk.put(session_id, conflicting)
        await desk.drained()
    (letter,) = await desk.dead_letters()
    assert letter["reason"] == "another change holds this version"
    assert await desk.versions(changes) == [1, 2, 3, 4, 5]


async def test_a_version_conflict_in_one_tenant_parks_nothing_of_another(desk: OutboxSetup) -> None:
    session_id = last_session(switched_session()).session_id
    games = [
        switched_session(session_id=session_id, tenant=tenant)
        for tenant in ("acme", "zenith", None)
    ]
    await desk.audit.append(entries_of(games[0]))
    conflicting_entries = entries_of(
        switched_session(session_id=session_id, tenant="acme"), "another"
    )
    for entry in [*conflicting_entries[1:2], *entries_of(games[1]), *entries_of(games[2])]:
        await desk.put(session_id, entry)
    async with running_workers(desk.worker()):
        await desk.drained()
    (letter,) = await desk.dead_letters()
    assert msgspec.json.decode(letter["entry"]) == msgspec.json.decode(conflicting_entries[1])
    for changes in games:
        assert await desk.versions(changes) == [1, 2, 3, 4, 5]


async def test_an_empty_tenant_counts_as_none(desk: OutboxSetup) -> None:
    """Otherwise its version conflict would match no session and the entry would be dropped."""
    changes = switched_session()
    await desk.audit.append(entries_of(changes))
    conflicting = msgspec.json.decode(entries_of(changes, "another")[2])
    await desk.put(conflicting["session_id"], msgspec.json.encode(conflicting | {"tenant": ""}))
    async with running_workers(desk.worker()):
        await desk.drained()
    (letter,) = await desk.dead_letters()
    assert letter["reason"] == "another change holds this version"


async def test_entries_wait_while_the_database_is_down(
    desk: OutboxSetup, breakable_postgres: EmbeddedPostgres, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = switched_session(), switched_session()
    async with running_workers(desk.worker()):
        await desk.commit(first)
        await desk.drained()
        breakable_postgres.stop()
        try:
            await desk.commit(second)
            with pytest.raises(AuditUnavailable):
                await desk.audit.ping()
            assert await desk.waiting() == len(second)
        finally:
            breakable_postgres.start()
        await desk.drained()
    assert await desk.versions(second) == [1, 2, 3, 4, 5]
    assert await desk.dead_letters() == []
    logged = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    name = f"Postgres at 127.0.0.1:{breakable_postgres.port}"
    assert sum(message.startswith(f"{name} is unavailable: ") for message in logged) == 1
    assert logged.count(f"{name} works again") == 1


async def test_a_missing_function_is_an_outage_and_parks_nothing(
    desk: OutboxSetup, breakable_postgres: EmbeddedPostgres
) -> None:
    changes = switched_session()
    await desk.commit(changes)

    def rename(old: str, new: str) -> None:
        with psycopg.connect(breakable_postgres.url) as connection:
            connection.execute(f"alter function {old}(json) rename to {new}".encode())

    rename("record_events", "renamed")
    try:
        with pytest.raises(AuditUnavailable):
            await desk.worker().deliver()
    finally:
        rename("renamed", "record_events")
    assert await desk.waiting() == len(changes)
    assert await desk.dead_letters() == []


async def test_a_hanging_database_times_out(breakable_postgres: EmbeddedPostgres) -> None:
    with faulty_proxy(breakable_postgres.port) as proxy:
        log = PostgresAuditLog(f"postgresql://postgres@127.0.0.1:{proxy.port}/postgres")
        await log.ping()
        with proxy.suffering(STALLED):
            async with asyncio.timeout(TIMEOUT_S):
                with pytest.raises(AuditUnavailable):
                    await log.last(last_session(switched_session()).session_id)
        async with asyncio.timeout(TIMEOUT_S):
            while not await is_reachable(log):
                await asyncio.sleep(0.05)
        await log.close()


async def is_reachable(log: AuditLog) -> bool:
    """Return whether the database answers a ping."""
    try:
        await log.ping()
    except AuditUnavailable:
        return False
    return True


async def test_the_audit_lag_is_measured(desk: OutboxSetup) -> None:
    changes = switched_session()
    await desk.store.time()
    await desk.commit(changes)
    census = await desk.store.statistics()
    assert 0 <= census.outbox_age_ms < 60_000
    await desk.worker().deliver()
    samples = {s.name: s.value for m in desk.metrics.registry.collect() for s in m.samples}
    assert samples["synckairos_audit_lag_ms_count"] == len(changes)
    assert 0 <= samples["synckairos_audit_lag_ms_sum"] < 60_000 * len(changes)
    assert (await desk.store.statistics()).outbox_age_ms == 0
