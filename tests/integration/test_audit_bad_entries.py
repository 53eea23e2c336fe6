"""Audit entries that can't be written become dead letters; an outage makes none."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager

import msgspec
import psycopg
import pytest
from redis.asyncio import Redis

from functions.workers import audit_worker, retry_schedule
from functions.workers.audit_worker import AuditWorker
from infra.local.postgres import EmbeddedPostgres
from shared.application.errors import AuditUnavailable, EntriesRefused
from shared.application.ports.audit_log import AuditConflict
from shared.audit import postgres as postgres_log
from shared.audit.postgres import PostgresAuditLog
from shared.domain.events import SessionChange
from tests.support.desk import OutboxSetup, running_workers
from tests.support.scenarios import entries_of, last_session, switched_session

_SHORT_TIMEOUT_S = 0.4
"""Write timeout in tests of slow writes."""

_SHORT_DELAY_S = 0.1
"""The first delay before a retry, and the shortest round while a session waits for one."""


@pytest.fixture
async def desk(redis: Redis, breakable_postgres: EmbeddedPostgres) -> AsyncIterator[OutboxSetup]:
    """A desk with an empty outbox and its audit trail in `breakable_postgres`."""
    log = PostgresAuditLog(breakable_postgres.url)
    yield OutboxSetup(redis, log)
    await log.close()


@pytest.fixture(autouse=True)
def short_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the delays before retries."""
    monkeypatch.setattr(retry_schedule, "_FIRST_DELAY_S", _SHORT_DELAY_S)
    monkeypatch.setattr(audit_worker, "_MIN_ROUND_S", _SHORT_DELAY_S)


@contextmanager
def trigger(url: str, body: str) -> Iterator[None]:
    """Run `body` (PL/pgSQL) before each insert into the audit trail within the block."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "create or replace function public.fault() returns trigger language plpgsql as"
            f" $$ begin {body} return new; end $$".encode()
        )
        connection.execute(
            "create trigger fault before insert on public.sync_events"
            " for each row execute function public.fault()"
        )
        try:
            yield
        finally:
            connection.execute("drop trigger fault on public.sync_events")


class RecordingAuditLog(PostgresAuditLog):
    """Records the size of each batch."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.batch_sizes: list[int] = []

    async def append(self, entries: Sequence[bytes]) -> list[AuditConflict]:
        self.batch_sizes.append(len(entries))
        return await super().append(entries)


@pytest.fixture
async def latin1_desk(redis: Redis, latin1_url: str) -> AsyncIterator[OutboxSetup]:
    """A desk whose database has the encoding LATIN1."""
    log = PostgresAuditLog(latin1_url)
    yield OutboxSetup(redis, log)
    await log.close()


async def put(desk: OutboxSetup, changes: list[SessionChange], *, piece: str = "♞") -> None:
    """Put the entries of `changes` into the outbox, with `piece` in the session's name."""
    for entry in entries_of(changes):
        await desk.put(last_session(changes).name, entry.replace("♞".encode(), piece.encode()))


async def deliver_until_error(worker: AuditWorker) -> None:
    """Deliver batches until one raises."""
    while True:
        await worker.deliver()


def all_versions(changes: list[SessionChange]) -> list[int]:
    return [change.session.version for change in changes]


async def test_an_entry_with_a_character_outside_the_encoding_alone_becomes_a_dead_letter(
    latin1_desk: OutboxSetup,
) -> None:
    desk, with_symbol, plain = latin1_desk, switched_session(switches=8), switched_session()
    await put(desk, with_symbol)
    await put(desk, plain, piece="!")
    async with running_workers(desk.worker()):
        await desk.drained()
    assert await desk.versions(plain) == all_versions(plain)
    assert await desk.versions(with_symbol) == []
    letters = await desk.dead_letters()
    assert len(letters) == len(with_symbol)
    assert all("(22P05)" in letter["reason"] for letter in letters)
    assert all("♞" in letter["entry"] for letter in letters)


@pytest.mark.parametrize("error", [ValueError, UnicodeEncodeError, KeyError, RecursionError])
async def test_an_entry_that_raises_any_error_becomes_a_dead_letter_with_the_reason(
    desk: OutboxSetup, breakable_postgres: EmbeddedPostgres, error: type[Exception]
) -> None:
    bad, good = switched_session(), switched_session()
    name = last_session(bad).name.encode()

    class FailingAuditLog(PostgresAuditLog):
        async def append(self, entries: Sequence[bytes]) -> list[AuditConflict]:
            if any(name in entry and b'"version":3,' in entry for entry in entries):
                raise (
                    error("ascii", "é", 0, 1, "bad")
                    if error is UnicodeEncodeError
                    else error("bad")
                )
            return await super().append(entries)

    log = FailingAuditLog(breakable_postgres.url)
    await put(desk, bad)
    await put(desk, good)
    async with running_workers(desk.worker(log)):
        await desk.drained()
    await log.close()
    assert await desk.versions(bad) == [1, 2, 4, 5]
    assert await desk.versions(good) == all_versions(good)
    (letter,) = await desk.dead_letters()
    assert letter["reason"].startswith(f"{error.__name__}: ")
    assert "bad" in letter["reason"]


async def test_a_trigger_that_refuses_one_session_blocks_no_other(
    desk: OutboxSetup, breakable_postgres: EmbeddedPostgres
) -> None:
    bad, good = switched_session(switches=30), switched_session(switches=30)
    refusing = (
        f"if new.session_id = '{last_session(bad).session_id}' then raise 'not this one'; end if;"
    )
    with trigger(breakable_postgres.url, refusing):
        await put(desk, bad)
        await put(desk, good)
        async with running_workers(desk.worker()):
            await desk.drained()
    assert await desk.versions(good) == all_versions(good)
    letters = await desk.dead_letters()
    assert [letter["reason"] for letter in letters] == ["not this one (P0001)"] * len(bad)


async def test_a_database_that_refuses_every_entry_counts_as_an_outage(
    desk: OutboxSetup, breakable_postgres: EmbeddedPostgres
) -> None:
    games = [switched_session(switches=20) for _ in range(40)]
    for changes in games:
        await put(desk, changes)
    with trigger(breakable_postgres.url, "raise 'closed for today';"):
        worker = desk.worker()
        with pytest.raises(AuditUnavailable) as outage:
            await deliver_until_error(worker)
    assert outage.value.reason == "it refuses every entry: closed for today (P0001)"
    dead = await desk.dead_letters()
    assert len(dead) == 3
    async with running_workers(worker):
        await desk.drained(within_s=120)
    assert len(await desk.dead_letters()) == 3
    written = sum([len(await desk.versions(changes)) for changes in games])
    assert written == sum(map(len, games)) - 3


@pytest.mark.parametrize("errcode", ["25006", "40001"])
async def test_an_outage_parks_nothing(
    desk: OutboxSetup, breakable_postgres: EmbeddedPostgres, errcode: str
) -> None:
    games = [switched_session() for _ in range(8)]
    for changes in games:
        await put(desk, changes)
    worker = desk.worker()
    with trigger(breakable_postgres.url, f"raise 'away' using errcode = '{errcode}';"):
        with pytest.raises(AuditUnavailable) as outage:
            await deliver_until_error(worker)
        assert f"({errcode})" in outage.value.reason
        for _ in range(12):
            with pytest.raises(AuditUnavailable):
                await deliver_until_error(worker)
    async with running_workers(worker):
        await desk.drained(within_s=120)
    assert await desk.dead_letters() == []
    for changes in games:
        assert await desk.versions(changes) == all_versions(changes)


async def test_batches_shrink_for_a_slow_database(
    desk: OutboxSetup, breakable_postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_log, "_WRITE_TIMEOUT_S", _SHORT_TIMEOUT_S)
    changes, log = switched_session(switches=198), RecordingAuditLog(breakable_postgres.url)
    await put(desk, changes)
    with trigger(breakable_postgres.url, "perform pg_sleep(0.01);"):
        async with running_workers(desk.worker(log)):
            await desk.drained(within_s=120)
    await log.close()
    assert await desk.versions(changes) == all_versions(changes)
    assert await desk.dead_letters() == []
    assert log.batch_sizes[:2] == [200, 50]
    assert log.batch_sizes.count(200) == 1


async def test_an_entry_that_never_completes_blocks_no_other_session_and_becomes_a_dead_letter(
    desk: OutboxSetup, breakable_postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_log, "_WRITE_TIMEOUT_S", _SHORT_TIMEOUT_S)
    bad, good = switched_session(switches=20), switched_session(switches=20)
    await put(desk, bad)
    await put(desk, good)
    endless = (
        f"if new.session_id = '{last_session(bad).session_id}' and new.version = 7"
        " then perform pg_sleep(60); end if;"
    )
    with trigger(breakable_postgres.url, endless):
        async with running_workers(desk.worker()):
            await wait_until_written(desk, good)
            assert await desk.versions(bad) in [list(range(1, n)) for n in range(1, 8)]
            assert await desk.dead_letters() == []
            later = switched_session()
            await put(desk, later)
            await wait_until_written(desk, later)
            assert 7 not in await desk.versions(bad)
            await desk.drained(within_s=120)
    (letter,) = await desk.dead_letters()
    assert letter["reason"] in (  # of two limits on time, the busier side's ends first
        "failed while others were written: the query took too long (57014)",
        f"failed while others were written: no answer within {_SHORT_TIMEOUT_S} s",
    )
    assert msgspec.json.decode(letter["entry"])["version"] == 7
    assert await desk.versions(bad) == [v for v in all_versions(bad) if v != 7]


async def test_a_locked_row_delays_only_its_own_session(
    desk: OutboxSetup, breakable_postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_log, "_WRITE_TIMEOUT_S", _SHORT_TIMEOUT_S)
    locked, free = switched_session(switches=20), switched_session(switches=20)
    await desk.audit.append(entries_of(locked)[:3])
    await put(desk, locked)
    with psycopg.connect(breakable_postgres.url) as admin:
        query = "select from public.sync_sessions where session_id = %s for update"
        admin.execute(query, (last_session(locked).session_id,))
        worker = desk.worker()
        async with running_workers(worker):
            await put(desk, free)
            await wait_until_written(desk, free)
            assert await desk.versions(locked) == [1, 2, 3]
            admin.rollback()
            await desk.drained(within_s=120)
    assert await desk.versions(locked) == all_versions(locked)
    assert await desk.dead_letters() == []


async def wait_until_written(
    desk: OutboxSetup, changes: list[SessionChange], within_s: float = 60
) -> None:
    """Wait until all of `changes` are in the audit trail."""
    async with asyncio.timeout(within_s):
        while await desk.versions(changes) != all_versions(changes):
            await asyncio.sleep(0.02)


async def test_large_entries_are_written_a_few_at_a_time(
    desk: OutboxSetup, breakable_postgres: EmbeddedPostgres
) -> None:
    changes, log = switched_session(switches=20), RecordingAuditLog(breakable_postgres.url)
    for entry in entries_of(changes):
        fields = msgspec.json.decode(entry)
        large = fields | {"metadata": {"note": "x" * 300_000}}
        await desk.put(last_session(changes).name, msgspec.json.encode(large))
    async with running_workers(desk.worker(log)):
        await desk.drained()
    await log.close()
    assert await desk.versions(changes) == all_versions(changes)
    assert max(log.batch_sizes) <= 3


async def test_a_worker_renews_its_lease_while_a_batch_takes_longer(desk: OutboxSetup) -> None:
    started, finish = asyncio.Event(), asyncio.Event()

    class SlowAuditLog(PostgresAuditLog):
        async def append(self, entries: Sequence[bytes]) -> list[AuditConflict]:
            started.set()
            await finish.wait()
            return []

    changes = switched_session()
    lease = desk.keys.outbox_lease(desk.keys.shard_of(last_session(changes).name))
    await put(desk, changes)
    writing = asyncio.create_task(desk.worker(SlowAuditLog("postgresql://nowhere")).deliver())
    await started.wait()
    await desk.redis.pexpire(lease, 1_000)
    async with asyncio.timeout(30):
        while await desk.redis.pttl(lease) <= 1_000:
            assert await desk.outbox.take("another", 1) == []
            await asyncio.sleep(0.01)
    finish.set()
    await writing


async def test_the_refused_entry_of_a_batch_is_found_by_bisection(desk: OutboxSetup) -> None:
    sizes = list[int]()

    class RefusingAuditLog(PostgresAuditLog):
        async def append(self, entries: Sequence[bytes]) -> list[AuditConflict]:
            sizes.append(len(entries))
            if any(b"teleported" in entry for entry in entries):
                raise EntriesRefused("no such event")
            return []

    changes = switched_session(switches=62)
    for number, entry in enumerate(entries_of(changes)):
        changed = entry.replace(b"cycle_switched", b"teleported") if number == 40 else entry
        await desk.put(last_session(changes).name, changed)
    await desk.worker(RefusingAuditLog("postgresql://nowhere")).deliver()
    assert len(sizes) <= 2 * 6 + 1
    assert len(await desk.dead_letters()) == 1
