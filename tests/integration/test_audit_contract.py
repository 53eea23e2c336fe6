"""What every `AuditLog` must do, whatever is behind it."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any
from uuid import uuid4

import msgspec
import psycopg
import pytest

from infra.local.ports import free_port
from infra.local.postgres import EmbeddedPostgres
from infra.local.supabase import SECRET_KEY
from shared.audit import postgrest_client, supabase_client
from shared.audit.ports import AuditLog, Clash
from shared.audit.postgres import PostgresAuditLog
from shared.audit.supabase import SupabaseAuditLog
from shared.domain.commands import Complete, Delete, Start, Switch
from shared.domain.session import Session
from shared.domain.units import Instant
from shared.errors import AuditUnavailable, EntriesRefused
from tests.integration.stories import BEGINNING, STEP, entries_of, game, last_of, story

_CLIENTS = {"supabase": supabase_client.connect, "postgrest": postgrest_client.connect}


@pytest.fixture(params=["postgres", "supabase", "postgrest"])
async def audit(request: Any, postgres: EmbeddedPostgres) -> AsyncIterator[AuditLog]:
    """The adapter under test; all keep the same database."""
    if request.param == "postgres":
        log: AuditLog = PostgresAuditLog(postgres.url)
    else:
        url = request.getfixturevalue("supabase").url
        log = SupabaseAuditLog(partial(_CLIENTS[request.param], url, SECRET_KEY))
    yield log
    await log.close()


@pytest.fixture(params=["postgres", "supabase", "postgrest"])
async def away(request: Any) -> AsyncIterator[AuditLog]:
    """An adapter whose database is not there."""
    port = free_port()
    log: AuditLog = PostgresAuditLog(f"postgresql://postgres@127.0.0.1:{port}/postgres")
    if request.param in _CLIENTS:
        url, key = f"http://127.0.0.1:{port}", "sb_secret_of_nobody"
        log = SupabaseAuditLog(partial(_CLIENTS[request.param], url, key))
    yield log
    await log.close()


def rows(postgres: EmbeddedPostgres, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """What the database itself says."""
    with psycopg.connect(postgres.url) as connection:
        return connection.execute(query.encode(), parameters).fetchall()


def recorded(postgres: EmbeddedPostgres, session_id: str) -> list[int]:
    """The versions in the trail, in the order of their insertion."""
    query = "select version from sync_events where session_id = %s order by ctid"
    return [version for (version,) in rows(postgres, query, session_id)]


async def test_a_story_is_told_as_it_happened(audit: AuditLog) -> None:
    changes = story(Start(), Switch())
    session_id = last_of(changes).session_id
    assert await audit.append(entries_of(changes)) == []
    events = await audit.events(session_id, after=0, limit=10)
    assert [e.event for e in events] == ["session_created", "session_started", "cycle_switched"]
    assert [e.version for e in events] == [1, 2, 3]
    assert [e.occurred_at for e in events] == [BEGINNING + n * STEP for n in range(3)]
    assert [e.request_id for e in events] == ["request-1", "request-2", "request-3"]
    assert {e.actor for e in events} == {"host"}
    switch = events[-1]
    mover, follower = last_of(changes).participants
    assert switch.participant_id == mover.participant_id
    assert (switch.time_remaining_ms, switch.time_elapsed_ms) == (60_000 - STEP, STEP)
    assert (switch.group_id, switch.cycle_number) == (None, 2)
    assert switch.metadata == {"next_participant_id": follower.participant_id}


async def test_events_come_in_pages(audit: AuditLog) -> None:
    changes = game(switches=8)
    await audit.append(entries_of(changes))
    session_id = last_of(changes).session_id
    first = await audit.events(session_id, after=0, limit=4)
    second = await audit.events(session_id, after=first[-1].version, limit=4)
    third = await audit.events(session_id, after=second[-1].version, limit=4)
    assert [[e.version for e in page] for page in (first, second, third)] == [
        [1, 2, 3, 4],
        [5, 6, 7, 8],
        [9, 10],
    ]


async def test_the_state_comes_back_to_the_last_digit(audit: AuditLog) -> None:
    changes = game()
    await audit.append(entries_of(changes))
    session_id = last_of(changes).session_id
    for change in changes:
        moment = await audit.at_version(session_id, change.session.version)
        assert moment is not None
        assert moment.session == change.session
        assert (moment.event, moment.occurred_at) == (change.type, change.occurred_at)
    assert await audit.at_version(session_id, len(changes) + 1) is None


async def test_the_last_version_is_the_last_whatever_came_first(audit: AuditLog) -> None:
    changes = game()
    written = entries_of(changes)
    for entry in (written[2], written[4], written[0], written[3], written[1]):
        await audit.append([entry])
    moment = await audit.last(last_of(changes).session_id)
    assert moment is not None
    assert moment.session == last_of(changes)


async def test_an_instant_falls_into_the_version_before_it(audit: AuditLog) -> None:
    changes = game()
    await audit.append(entries_of(changes))
    session_id = last_of(changes).session_id
    for at, version in [(0, 1), (STEP - 1, 1), (STEP, 2), (2 * STEP + 5, 3), (10**9, 5)]:
        moment = await audit.at_instant(session_id, Instant(BEGINNING + at))
        assert moment is not None
        assert moment.session.version == version
    assert await audit.at_instant(session_id, Instant(BEGINNING - 1)) is None


async def test_nothing_is_known_of_what_never_was(audit: AuditLog) -> None:
    stranger = str(uuid4())
    assert await audit.last(stranger) is None
    assert await audit.events(stranger, after=0, limit=10) == []
    assert await audit.at_instant(stranger, BEGINNING) is None


async def test_what_is_delivered_twice_is_there_once(
    audit: AuditLog, postgres: EmbeddedPostgres
) -> None:
    changes = game()
    written = entries_of(changes)
    await audit.append(written[:3])
    assert await audit.append(written) == []
    assert await audit.append(written) == []
    assert recorded(postgres, last_of(changes).session_id) == [1, 2, 3, 4, 5]


async def test_many_deliver_the_same_at_once(audit: AuditLog, postgres: EmbeddedPostgres) -> None:
    games = [game() for _ in range(5)]
    written = [entry for changes in games for entry in entries_of(changes)]
    answers = await asyncio.gather(*(audit.append(written) for _ in range(8)))
    assert answers == [[]] * 8
    for changes in games:
        assert recorded(postgres, last_of(changes).session_id) == [1, 2, 3, 4, 5]


async def test_another_change_of_the_same_version_is_told_of_and_not_taken(
    audit: AuditLog,
) -> None:
    changes = game()
    session_id = last_of(changes).session_id
    await audit.append(entries_of(changes[:3]))
    usurper = story(Complete(), session_id=session_id)
    clashes = await audit.append(entries_of(usurper[1:], "another") + entries_of(changes[3:]))
    assert clashes == [Clash(session_id, 2)]
    events = await audit.events(session_id, after=0, limit=10)
    assert [e.version for e in events] == [1, 2, 3, 4, 5]
    assert events[1].event == "session_started"


@pytest.mark.parametrize(
    "fault",
    [
        {"event": "session_teleported"},
        {"time_remaining_ms": -1},
        {"session_id": "nobody"},
        {"actor": None},
        {"version": 0},
        {"state_snapshot": None},
    ],
    ids=lambda fault: next(iter(fault)),
)
async def test_a_bad_entry_is_refused_with_all_that_came_with_it(
    audit: AuditLog, postgres: EmbeddedPostgres, fault: dict[str, Any]
) -> None:
    changes = game()
    written = entries_of(changes)
    written[3] = msgspec.json.encode(msgspec.json.decode(written[3]) | fault)
    with pytest.raises(EntriesRefused, match=r"\w"):
        await audit.append(written)
    assert recorded(postgres, last_of(changes).session_id) == []


async def test_what_is_no_json_is_refused(audit: AuditLog) -> None:
    with pytest.raises(EntriesRefused):
        await audit.append([b'{"session_id": '])


async def test_the_tables_show_where_each_session_stands(
    audit: AuditLog, postgres: EmbeddedPostgres
) -> None:
    changes = game(switches=2)
    await audit.append(entries_of(changes[:2]))
    await audit.append(entries_of(changes[2:]))
    session = last_of(changes)
    ((mode, status, version, created, updated, deleted, wakes),) = rows(
        postgres,
        "select sync_mode::text, status::text, version,"
        " (extract(epoch from created_at) * 1000)::bigint,"
        " (extract(epoch from updated_at) * 1000)::bigint, deleted_at,"
        " (extract(epoch from wakes_at) * 1000)::bigint"
        " from sync_sessions where session_id = %s",
        session.session_id,
    )
    assert (mode, status, version) == ("per_participant", "running", 4)
    assert (created, updated, deleted) == (BEGINNING, BEGINNING + 3 * STEP, None)
    assert wakes == BEGINNING + 3 * STEP + 60_000 - STEP
    totals = rows(
        postgres,
        "select participant_id::text, participant_index, total_time_ms, time_used_ms, cycle_count"
        " from sync_participants where session_id = %s order by participant_index",
        session.session_id,
    )
    assert totals == [
        (p.participant_id, p.participant_index, p.bank_ms, p.used_ms, p.cycle_count)
        for p in session.participants
    ]
    assert [used for _, _, _, used, _ in totals] == [STEP, STEP]


async def test_only_sessions_that_wake_of_themselves_are_listed(audit: AuditLog) -> None:
    games = [game() for _ in range(5)]
    quiet = [story(), story(Start(), Complete()), story(Start(), Delete())]
    for changes in [*games, *quiet]:
        await audit.append(entries_of(changes))
    listed: dict[str, Session] = {}
    after = None
    while page := await audit.waking(after, 2):
        assert len(page) <= 2
        listed |= {session.session_id: session for session in page}
        after = page[-1].session_id
    for changes in games:
        assert listed[last_of(changes).session_id] == last_of(changes)
    assert not listed.keys() & {last_of(changes).session_id for changes in quiet}
    assert list(listed) == sorted(listed)


async def test_a_deletion_is_the_last_that_is_heard(
    audit: AuditLog, postgres: EmbeddedPostgres
) -> None:
    changes = story(Start(), Delete())
    await audit.append(entries_of(changes))
    moment = await audit.last(last_of(changes).session_id)
    assert moment is not None
    assert moment.is_deletion
    assert not moment.is_unfinished
    query = "select deleted_at is not null, wakes_at from sync_sessions where session_id = %s"
    assert rows(postgres, query, last_of(changes).session_id) == [(True, None)]


async def test_it_says_whether_it_is_there(audit: AuditLog) -> None:
    await audit.ping()


async def test_a_database_that_is_away_is_said_to_be(away: AuditLog) -> None:
    for ask in (away.ping(), away.last(str(uuid4())), away.append(entries_of(game()))):
        with pytest.raises(AuditUnavailable):
            await ask
