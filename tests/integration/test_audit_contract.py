"""The contract of `AuditLog`, proved for each of its adapters."""

import asyncio
import math
import random
import struct
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from uuid import uuid4

import msgspec
import psycopg
import pytest

from infra.local.ports import free_port
from infra.local.postgres import EmbeddedPostgres
from infra.local.supabase import SECRET_KEY, LocalSupabase
from shared.application import audit_entries
from shared.application.errors import AuditKeyRefused, AuditUnavailable, EntriesRefused
from shared.application.ports.audit_log import (
    AuditConflict,
    AuditLog,
    ExaminedSession,
    SessionSnapshot,
)
from shared.application.ports.commit import Commit
from shared.application.ports.listed_sessions import (
    ListedSession,
    ListScope,
    ListSpan,
    SessionFilter,
)
from shared.audit.postgres import PostgresAuditLog
from shared.audit.postgrest_client import connect_with_postgrest
from shared.audit.supabase import SupabaseAuditLog
from shared.audit.supabase_client import connect_with_supabase
from shared.domain.commands import Complete, Delete, RemoveParticipant, Start, Switch
from shared.domain.events import EventType
from shared.domain.session import Session, Status, SyncMode, session_name, tenant_and_id
from shared.domain.transition import transition
from shared.domain.units import Instant
from shared.domain.values import replace
from tests.support.large_sessions import commits_of, large_session
from tests.support.scenarios import (
    CREATED_AT,
    STEP_MS,
    changes_of,
    entries_of,
    last_session,
    switched_session,
)

# In byte order, which differs from any language's order and from that of the sessions' names.
_TENANTS = ("9", "Zenith", "acme", "acme-2", "acme.eu_1", "acme2")

_CLIENTS = {"supabase": connect_with_supabase, "postgrest": connect_with_postgrest}


@pytest.fixture(params=["postgres", "supabase", "postgrest"])
async def audit(request: Any, postgres: EmbeddedPostgres) -> AsyncIterator[AuditLog]:
    """The adapter under test; all use the same database."""
    if request.param == "postgres":
        log: AuditLog = PostgresAuditLog(postgres.url)
    else:
        url = request.getfixturevalue("supabase").url
        log = SupabaseAuditLog(partial(_CLIENTS[request.param], url, SECRET_KEY))
    yield log
    await log.close()


@pytest.fixture(params=["postgres", "supabase", "postgrest"])
async def unreachable(request: Any) -> AsyncIterator[AuditLog]:
    """An adapter whose database is unreachable."""
    port = free_port()
    log: AuditLog = PostgresAuditLog(f"postgresql://postgres@127.0.0.1:{port}/postgres")
    if request.param in _CLIENTS:
        url, key = f"http://127.0.0.1:{port}", "sb_secret_of_nobody"
        log = SupabaseAuditLog(partial(_CLIENTS[request.param], url, key))
    yield log
    await log.close()


def rows(postgres: EmbeddedPostgres, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Query the database directly."""
    with psycopg.connect(postgres.url) as connection:
        return connection.execute(query.encode(), parameters).fetchall()


def totals_of(postgres: EmbeddedPostgres, session_id: str) -> list[tuple[Any, ...]]:
    """Return id, index, bank, used time and cycles of each participant, in order."""
    query = """
        select participant_id::text, participant_index, total_time_ms, time_used_ms, cycle_count
        from sync_participants where session_id = %s order by participant_index
    """
    return rows(postgres, query, session_id)


def recorded_versions(postgres: EmbeddedPostgres, session_id: str) -> list[int]:
    """Return the versions in the audit trail, in the order of their transactions."""
    query = """
        select version from sync_events where session_id = %s
        order by xmin::text::bigint, version
    """
    return [version for (version,) in rows(postgres, query, session_id)]


async def test_last_of_returns_the_newest_versions_of_many_sessions(audit: AuditLog) -> None:
    session_id = str(uuid4())
    stories = [
        changes_of(Start(), Switch()),
        changes_of(Start(), session_id=session_id, tenant="acme.eu_1"),
        changes_of(session_id=session_id, tenant="zenith"),
    ]
    for changes in stories:
        assert await audit.append(entries_of(changes)) == []
    newest = {last_session(changes).name: last_session(changes) for changes in stories}
    unknown = [str(uuid4()), session_name(session_id, "nobody"), session_id]
    found = await audit.newest_of([*newest, *unknown])
    assert {name: moment.session for name, moment in found.items()} == newest
    assert await audit.newest_of(unknown) == {}


async def test_events_hold_each_change_in_order(audit: AuditLog) -> None:
    changes = changes_of(Start(), Switch())
    session_id = last_session(changes).session_id
    assert await audit.append(entries_of(changes)) == []
    events = await audit.events(session_id, after=0, limit=10)
    assert [e.event for e in events] == ["session_created", "session_started", "cycle_switched"]
    assert [e.version for e in events] == [1, 2, 3]
    assert [e.occurred_at for e in events] == [CREATED_AT + n * STEP_MS for n in range(3)]
    assert [e.request_id for e in events] == ["request-1", "request-2", "request-3"]
    assert {e.actor for e in events} == {"host"}
    switch = events[-1]
    first, second = last_session(changes).participants
    assert switch.participant_id == first.participant_id
    assert (switch.time_remaining_ms, switch.time_elapsed_ms) == (60_000 - STEP_MS, STEP_MS)
    assert (switch.group_id, switch.cycle_number) == (None, 2)
    assert switch.metadata == {"next_participant_id": second.participant_id}


async def test_events_are_paged(audit: AuditLog) -> None:
    changes = switched_session(switches=8)
    await audit.append(entries_of(changes))
    session_id = last_session(changes).session_id
    first = await audit.events(session_id, after=0, limit=4)
    second = await audit.events(session_id, after=first[-1].version, limit=4)
    third = await audit.events(session_id, after=second[-1].version, limit=4)
    assert [[e.version for e in page] for page in (first, second, third)] == [
        [1, 2, 3, 4],
        [5, 6, 7, 8],
        [9, 10],
    ]


SPECIAL_NUMBERS: list[int | float] = [
    *(0, 1, 1.0, -0.0, 4.0, 1e2, 0.1, 1.1, 0.30000000000000004, 1e15, 1e16, 1e17, 1e20, -1e20),
    *(1e22, 1e23, 1e300, 1.7976931348623157e308, 1e-7, 5e-324, 2.2250738585072014e-308),
    *(2**53 + 1, 2**63, 2**64 - 1, -(2**63)),
]


def numbers(dice: random.Random, many: int) -> list[int | float]:
    """Return random numbers that a JSON body may hold: finite doubles, integers up to 64 bits."""
    doubles = [struct.unpack("<d", dice.randbytes(8))[0] for _ in range(many)]
    integers = [dice.randint(-(2 ** dice.randint(1, 63)), 2 ** dice.randint(1, 64) - 1)]
    return [*filter(math.isfinite, doubles), *integers]


def as_doubles(metadata: Any) -> list[float]:
    """Return the numbers as doubles, as JavaScript reads them."""
    return [float(number) for number in metadata["numbers"]]


@pytest.mark.parametrize("seed", range(4))
async def test_every_number_in_metadata_is_kept_exactly(audit: AuditLog, seed: int) -> None:
    """PostgREST passes on a number's text. The local Supabase parses JSON in JavaScript, where all
    numbers are doubles, so there numbers are compared as doubles."""
    is_local_supabase = isinstance(audit, SupabaseAuditLog)
    comparable: Callable[[Any], Any] = as_doubles if is_local_supabase else repr
    given = {"numbers": [*SPECIAL_NUMBERS, *numbers(random.Random(seed), 300)]}
    (created,) = changes_of()
    change = replace(created, metadata=given, session=replace(created.session, metadata=given))
    await audit.append(entries_of([change]))
    (event,) = await audit.events(change.session.session_id, after=0, limit=1)
    assert comparable(event.metadata) == comparable(given)
    moment = await audit.last(change.session.session_id)
    assert moment is not None
    assert comparable(moment.session.metadata) == comparable(given)


async def test_the_state_of_each_version_is_kept_exactly(audit: AuditLog) -> None:
    changes = switched_session()
    await audit.append(entries_of(changes))
    session_id = last_session(changes).session_id
    for change in changes:
        moment = await audit.at_version(session_id, change.session.version)
        assert moment is not None
        assert moment.session == change.session
        assert (moment.event, moment.occurred_at) == (change.type, change.occurred_at)
    assert await audit.at_version(session_id, len(changes) + 1) is None


async def test_the_last_version_does_not_depend_on_the_order_of_arrival(audit: AuditLog) -> None:
    changes = switched_session()
    written = entries_of(changes)
    for entry in (written[2], written[4], written[0], written[3], written[1]):
        await audit.append([entry])
    moment = await audit.last(last_session(changes).session_id)
    assert moment is not None
    assert moment.session == last_session(changes)


async def test_the_state_at_an_instant_is_the_last_version_before_it(audit: AuditLog) -> None:
    changes = switched_session()
    await audit.append(entries_of(changes))
    session_id = last_session(changes).session_id
    for at, version in [(0, 1), (STEP_MS - 1, 1), (STEP_MS, 2), (2 * STEP_MS + 5, 3), (10**9, 5)]:
        moment = await audit.at_instant(session_id, Instant(CREATED_AT + at))
        assert moment is not None
        assert moment.session.version == version
    assert await audit.at_instant(session_id, Instant(CREATED_AT - 1)) is None


def large_story(switches: int = 60) -> list[Commit]:
    """Return the commits of a session in parts, which ends, with two whole snapshots or more."""
    created = large_session(80)
    removed = RemoveParticipant(created.session.participants[9].participant_id)
    return list(commits_of(created, Start(), removed, *[Switch()] * switches, Complete()))


@pytest.mark.parametrize("batch_size", [1, 7, 100])
async def test_differences_are_read_as_whole_states(
    audit: AuditLog, postgres: EmbeddedPostgres, batch_size: int
) -> None:
    story = large_story()
    written = [entry for commit in story for entry in audit_entries.encode(commit)]
    for first in range(0, len(written), batch_size):
        assert await audit.append(written[first : first + batch_size]) == []
    for commit in (*story[:4], *story[48:52], story[-1]):
        (change,) = commit.changes
        at_version = await audit.at_version(commit.name, change.session.version)
        at_instant = await audit.at_instant(commit.name, change.occurred_at)
        assert (
            at_version
            == at_instant
            == SessionSnapshot(change.session, change.type, change.occurred_at)
        )
    newest = await audit.last(commit.name)
    assert newest
    assert newest.session == commit.session
    assert await audit.newest_of([commit.name]) == {commit.name: newest}
    left = story[0].changes[0].session.participants[9]
    expected = sorted((*newest.session.participants, left), key=lambda p: p.participant_index)
    assert totals_of(postgres, commit.name) == [
        (p.participant_id, p.participant_index, p.bank_ms, p.used_ms, p.cycle_count)
        for p in expected
    ]


async def test_sessions_with_a_wake_up_are_read_whole(audit: AuditLog) -> None:
    *commits, ending = large_story(3)
    await audit.append([entry for commit in commits for entry in audit_entries.encode(commit)])
    session = commits[-1].changes[0].session
    found, last = [], None
    while page := await audit.sessions_with_wakeup(last, 200):
        found += page
        last = page[-1].name
    assert session in found
    await audit.append(audit_entries.encode(ending))


async def test_a_difference_to_a_change_that_the_trail_lacks_is_left_out(audit: AuditLog) -> None:
    story = large_story(3)
    written = [entry for commit in story for entry in audit_entries.encode(commit)]
    conflicting = replace(story[0], operation_id="another")
    await audit.append(audit_entries.encode(conflicting))
    assert await audit.append(written) == [AuditConflict(story[0].name, 1)]
    assert await audit.last(story[0].name) is None
    assert await audit.newest_of([story[0].name]) == {}
    first = await audit.at_version(story[0].name, 1)
    assert first
    assert first.session == story[0].session


async def test_an_unknown_session_has_no_state_and_no_events(audit: AuditLog) -> None:
    unknown_id = str(uuid4())
    assert await audit.last(unknown_id) is None
    assert await audit.events(unknown_id, after=0, limit=10) == []
    assert await audit.at_instant(unknown_id, CREATED_AT) is None


async def test_events_are_also_read_backwards_and_by_type(audit: AuditLog) -> None:
    changes = switched_session()
    name = last_session(changes).name
    await audit.append(entries_of(changes))

    async def versions(after: int | None, limit: int, **more: Any) -> list[int]:
        return [event.version for event in await audit.events(name, after, limit, **more)]

    assert await versions(None, 9) == [1, 2, 3, 4, 5]
    assert await versions(None, 2, newest_first=True) == [5, 4]
    assert await versions(4, 9, newest_first=True) == [3, 2, 1]
    switched = EventType.CYCLE_SWITCHED
    assert await versions(None, 9, event=switched) == [3, 4, 5]
    assert await versions(3, 1, event=switched) == [4]
    assert await versions(5, 9, event=switched, newest_first=True) == [4, 3]
    assert await versions(None, 9, event=EventType.SESSION_DELETED) == []


async def test_an_entry_appended_twice_is_kept_once(
    audit: AuditLog, postgres: EmbeddedPostgres
) -> None:
    changes = switched_session()
    written = entries_of(changes)
    await audit.append(written[:3])
    assert await audit.append(written) == []
    assert await audit.append(written) == []
    assert recorded_versions(postgres, last_session(changes).session_id) == [1, 2, 3, 4, 5]


async def test_concurrent_appends_of_the_same_entries_keep_each_once(
    audit: AuditLog, postgres: EmbeddedPostgres
) -> None:
    games = [switched_session() for _ in range(5)]
    written = [entry for changes in games for entry in entries_of(changes)]
    answers = await asyncio.gather(*(audit.append(written) for _ in range(8)))
    assert answers == [[]] * 8
    for changes in games:
        assert recorded_versions(postgres, last_session(changes).session_id) == [1, 2, 3, 4, 5]


async def test_another_change_of_the_same_version_is_reported_and_not_kept(
    audit: AuditLog,
) -> None:
    changes = switched_session()
    session_id = last_session(changes).session_id
    await audit.append(entries_of(changes[:3]))
    conflicting = changes_of(Complete(), session_id=session_id)
    conflicts = await audit.append(entries_of(conflicting[1:], "another") + entries_of(changes[3:]))
    assert conflicts == [AuditConflict(session_id, 2)]
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
async def test_a_bad_entry_makes_its_whole_batch_refused(
    audit: AuditLog, postgres: EmbeddedPostgres, fault: dict[str, Any]
) -> None:
    changes = switched_session()
    written = entries_of(changes)
    written[3] = msgspec.json.encode(msgspec.json.decode(written[3]) | fault)
    with pytest.raises(EntriesRefused, match=r"\w"):
        await audit.append(written)
    assert recorded_versions(postgres, last_session(changes).session_id) == []


async def test_invalid_json_is_refused(audit: AuditLog) -> None:
    with pytest.raises(EntriesRefused):
        await audit.append([b'{"session_id": '])


async def test_the_tables_hold_the_current_state_of_a_session(
    audit: AuditLog, postgres: EmbeddedPostgres
) -> None:
    changes = switched_session(switches=2)
    await audit.append(entries_of(changes[:2]))
    await audit.append(entries_of(changes[2:]))
    session = last_session(changes)
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
    assert (created, updated, deleted) == (CREATED_AT, CREATED_AT + 3 * STEP_MS, None)
    assert wakes == CREATED_AT + 3 * STEP_MS + 60_000 - STEP_MS
    assert totals_of(postgres, session.session_id) == [
        (p.participant_id, p.participant_index, p.bank_ms, p.used_ms, p.cycle_count)
        for p in session.participants
    ]
    assert [p.used_ms for p in session.participants] == [STEP_MS, STEP_MS]


async def test_only_sessions_with_a_deadline_are_listed_as_waking(audit: AuditLog) -> None:
    games = [switched_session() for _ in range(5)]
    without_deadline = [
        changes_of(),
        changes_of(Start(), Complete()),
        changes_of(Start(), Delete()),
    ]
    for changes in [*games, *without_deadline]:
        await audit.append(entries_of(changes))
    listed: dict[str, Session] = {}
    after = None
    while page := await audit.sessions_with_wakeup(after, 2):
        assert len(page) <= 2
        listed |= {session.name: session for session in page}
        after = page[-1].name
    for changes in games:
        assert listed[last_session(changes).name] == last_session(changes)
    assert not listed.keys() & {last_session(changes).name for changes in without_deadline}
    assert list(listed) == sorted(listed, key=by_tenant)


async def test_pages_of_waking_sessions_continue_across_tenants(audit: AuditLog) -> None:
    ids = [str(uuid4()) for _ in range(3)]
    games = [
        switched_session(session_id=one, tenant=tenant)
        for one in ids
        for tenant in (None, *_TENANTS)
    ]
    await audit.append([entry for changes in games for entry in entries_of(changes)])
    names = sorted((last_session(changes).name for changes in games), key=by_tenant)
    before_all_tenants = f"!:{ids[0]}"
    for start, size in ((before_all_tenants, 1), (before_all_tenants, 4), (None, 500)):
        pages, after = [], start
        while page := await audit.sessions_with_wakeup(after, size):
            pages.append([session.name for session in page])
            after = pages[-1][-1]
        assert all(len(page) == size for page in pages[:-1])
        listed = [name for page in pages for name in page if name in names]
        assert listed == [name for name in names if start is None or ":" in name]


async def test_a_list_is_paged_and_has_no_deleted_sessions(audit: AuditLog) -> None:
    """The sessions have the same millisecond of creation, so their order is that of the ids."""
    tenant = f"t{uuid4().hex}"
    games = [changes_of(Start(), tenant=tenant, owner=owner) for owner in ("ada", "ada", "bob", "")]
    deleted = changes_of(Delete(), tenant=tenant, owner="ada")
    other = changes_of(tenant=f"{tenant}2", owner="ada")
    for changes in (*games, deleted, other):
        await audit.append(entries_of(changes))
    expected = sorted(map(last_session, games), key=lambda one: one.session_id, reverse=True)
    for owner in (None, "ada"):
        scope = ListScope(tenant, owner)
        listed: list[ExaminedSession] = []
        while page := await audit.newest_in(
            scope, SessionFilter(), ListSpan(2, listed[-1].position if listed else None)
        ):
            listed += page
        of_owner = [one for one in expected if owner in (None, one.owner)]
        assert [one.session for one in listed] == [ListedSession.of(one) for one in of_owner]
    for since, count in ((Instant(CREATED_AT + 1), 0), (CREATED_AT, 4)):
        span = ListSpan(9, since=since)
        assert len(await audit.newest_in(ListScope(tenant), SessionFilter(), span)) == count


@pytest.mark.parametrize(
    ("wanted", "is_met"),
    [
        (SessionFilter(status=Status.RUNNING), True),
        (SessionFilter(status=Status.PAUSED), False),
        (SessionFilter(sync_mode=SyncMode.PER_PARTICIPANT), True),
        (SessionFilter(sync_mode=SyncMode.GLOBAL), False),
        (SessionFilter(metadata={"name": ("Zürich ♞",)}), True),
        (SessionFilter(metadata={"name": ("7", 7)}), False),
        (SessionFilter(metadata={"ratio": ("0.1", 0.1)}), True),
        (SessionFilter(metadata={"ratio": ("0.1",)}), False),
        (SessionFilter(metadata={"ratio": (True,)}), False),
        (SessionFilter(metadata={"large": (1e300,), "ratio": (0.1,)}), True),
        (SessionFilter(metadata={"large": (1e300,), "ratio": (0.2,)}), False),
        (SessionFilter(metadata={"none": ("",)}), False),
    ],
)
async def test_a_list_shows_the_sessions_that_meet_its_conditions(
    audit: AuditLog, wanted: SessionFilter, is_met: bool
) -> None:
    tenant = f"t{uuid4().hex}"
    changes = changes_of(Start(), tenant=tenant)
    await audit.append(entries_of(changes))
    listed = ListedSession.of(last_session(changes))
    (examined,) = await audit.newest_in(ListScope(tenant), wanted, ListSpan(10))
    assert examined == ExaminedSession(listed.position, listed if is_met else None)
    assert wanted.admits(listed) == is_met


async def test_a_list_has_the_participants_of_sessions_in_parts(audit: AuditLog) -> None:
    owner = f"host {uuid4()}"
    for commit in commits_of(large_session(100, owner=owner), Start()):
        await audit.append(audit_entries.encode(commit))
    (examined,) = await audit.newest_in(ListScope(None, owner), SessionFilter(), ListSpan(10))
    assert examined.session
    assert examined.session.participant_count == 100
    assert examined.session.status == "running"


async def test_names_are_paged_and_include_finished_and_deleted_sessions(audit: AuditLog) -> None:
    ids = [str(uuid4()) for _ in range(3)]
    games = [
        switched_session(session_id=one, tenant=tenant)
        for one in ids
        for tenant in (None, *_TENANTS)
    ]
    deleted = changes_of(Start(), Delete())
    written = [*games, deleted]
    await audit.append([entry for changes in written for entry in entries_of(changes)])
    expected = sorted((last_session(changes).name for changes in written), key=by_tenant)
    for size in (7, 1000):
        listed: list[str] = []
        while page := await audit.names(listed[-1] if listed else None, size):
            assert len(page) <= size
            listed += page
        assert len(listed) == len(set(listed))
        assert [name for name in listed if name in expected] == expected


def by_tenant(name: str) -> tuple[str, str]:
    """Sort key of session lists: tenant, then session id."""
    tenant, session_id = tenant_and_id(name)
    return tenant or "", session_id


async def test_tenants_with_the_same_id_keep_separate_trails(audit: AuditLog) -> None:
    session_id = str(uuid4())
    stories = [
        changes_of(Start(), Switch(), session_id=session_id, tenant="acme"),
        changes_of(Start(), Complete(), session_id=session_id, tenant="zenith"),
        changes_of(Start(), Delete(), session_id=session_id),
    ]
    written = [entry for changes in stories for entry in entries_of(changes, "the same")]
    assert await audit.append(written) == []
    assert await audit.append(written[::-1]) == []
    for changes in stories:
        name = last_session(changes).name
        events = await audit.events(name, after=0, limit=10)
        assert [(e.version, e.event) for e in events] == [
            (change.session.version, change.type) for change in changes
        ]
        last = await audit.last(name)
        at_its_start = await audit.at_version(name, 1)
        later = await audit.at_instant(name, Instant(CREATED_AT + STEP_MS))
        found = [moment and moment.session for moment in (last, at_its_start, later)]
        assert found == [last_session(changes), changes[0].session, changes[1].session]
    assert await audit.last(f"nobody:{session_id}") is None


async def test_a_tenant_must_match_exactly(audit: AuditLog) -> None:
    for tenant in _TENANTS:
        changes = switched_session(tenant=tenant)
        session = last_session(changes)
        await audit.append(entries_of(changes))
        last = await audit.last(session.name)
        assert last is not None
        assert last.session == session
        similar = {tenant.swapcase(), f"{tenant}-", tenant[:-1], "", "%", "*"} - {tenant}
        for other in similar:
            assert await audit.last(session_name(session.session_id, other)) is None


async def test_each_tenant_has_its_own_rows_in_the_tables(
    audit: AuditLog, postgres: EmbeddedPostgres
) -> None:
    session_id = str(uuid4())
    acme = changes_of(Start(), Switch(), session_id=session_id, tenant="acme")
    zenith = [
        replace(change, session=replace(change.session, tenant="zenith"))
        for change in [*acme[:2], transition(acme[1].session, Complete(), acme[2].occurred_at)]
    ]
    await audit.append(entries_of(acme) + entries_of(zenith))
    stored = rows(
        postgres,
        "select s.tenant, s.status::text, s.wakes_at is null, p.time_used_ms, p.cycle_count"
        " from sync_sessions s join sync_participants p using (tenant, session_id)"
        " where session_id = %s order by s.tenant, participant_index",
        session_id,
    )
    assert stored == [
        (session.tenant, session.status, session is last_session(zenith), p.used_ms, p.cycle_count)
        for session in (last_session(acme), last_session(zenith))
        for p in session.participants
    ]


async def test_a_version_conflict_names_its_tenant(audit: AuditLog) -> None:
    session_id = str(uuid4())
    tenants = ("acme", "zenith", None)
    for tenant in tenants:
        await audit.append(entries_of(switched_session(session_id=session_id, tenant=tenant)))
    for tenant in tenants:
        conflicting = changes_of(Complete(), session_id=session_id, tenant=tenant)[1:]
        others = [t for t in tenants if t != tenant]
        again = [switched_session(session_id=session_id, tenant=other)[1] for other in others]
        conflicts = await audit.append(entries_of(again) + entries_of(conflicting, "another"))
        assert conflicts == [AuditConflict(session_id, 2, tenant)]


async def test_a_sessions_tenant_and_owner_are_kept(audit: AuditLog) -> None:
    changes = changes_of(Start(), tenant="acme", owner="host-1")
    session = last_session(changes)
    await audit.append(entries_of(changes))
    moments = [
        await audit.last(session.name),
        await audit.at_version(session.name, 1),
        await audit.at_instant(session.name, session.updated_at),
    ]
    woken = {session.name: session for session in await audit.sessions_with_wakeup(None, 1000)}
    found = [moment.session for moment in moments if moment] + [woken[session.name]]
    assert [(one.tenant, one.owner, one.name) for one in found] == [
        ("acme", "host-1", f"acme:{session.session_id}")
    ] * 4


async def test_a_deletion_is_kept_as_the_last_version(
    audit: AuditLog, postgres: EmbeddedPostgres
) -> None:
    changes = changes_of(Start(), Delete())
    await audit.append(entries_of(changes))
    moment = await audit.last(last_session(changes).session_id)
    assert moment is not None
    assert moment.is_deletion
    assert not moment.can_change
    query = "select deleted_at is not null, wakes_at from sync_sessions where session_id = %s"
    assert rows(postgres, query, last_session(changes).session_id) == [(True, None)]


async def test_ping_reaches_the_database(audit: AuditLog) -> None:
    await audit.ping()


async def test_check_reports_a_read_only_database(
    audit: AuditLog, postgres: EmbeddedPostgres
) -> None:
    assert await audit.check() is None
    changes = switched_session()
    with read_only(postgres):
        for ask in (audit.check(), audit.append(entries_of(changes))):
            with pytest.raises(AuditUnavailable) as refused:
                await ask
            assert refused.value.reason == "it is read-only (25006)"
        await audit.ping()
    assert await audit.check() is None
    assert await audit.append(entries_of(changes)) == []


async def test_the_check_for_writes_writes_nothing(postgres: EmbeddedPostgres) -> None:
    """Counted in the check's own transaction, because services of other tests write too."""
    with psycopg.connect(postgres.url) as connection:
        connection.execute("select * from public.record_events('[]')")
        inserted = "select pg_stat_get_xact_tuples_inserted('public.sync_events'::regclass)"
        assert connection.execute(inserted).fetchall() == [(0,)]


@contextmanager
def read_only(postgres: EmbeddedPostgres) -> Iterator[None]:
    """Make the database read-only within the block, also for open connections."""
    with psycopg.connect(postgres.url, autocommit=True) as admin:
        admin.execute("set default_transaction_read_only = off")
        admin.execute("alter system set default_transaction_read_only = on")
        admin.execute("select pg_reload_conf()")
        wait_until_read_only_is(postgres, "on")
        try:
            yield
        finally:
            admin.execute("alter system reset default_transaction_read_only")
            admin.execute("select pg_reload_conf()")
            wait_until_read_only_is(postgres, "off")


def wait_until_read_only_is(postgres: EmbeddedPostgres, setting: str) -> None:
    """Wait until new connections have `default_transaction_read_only = setting`."""
    give_up = time.monotonic() + 30
    while rows(postgres, "show default_transaction_read_only") != [(setting,)]:
        assert time.monotonic() < give_up


async def test_an_unreachable_database_raises_audit_unavailable(unreachable: AuditLog) -> None:
    for ask in (
        unreachable.ping(),
        unreachable.check(),
        unreachable.last(str(uuid4())),
        unreachable.append(entries_of(switched_session())),
    ):
        with pytest.raises(AuditUnavailable):
            await ask


@pytest.mark.parametrize("kind", list(_CLIENTS))
async def test_a_refused_key_is_told_as_such(supabase: LocalSupabase, kind: str) -> None:
    log = SupabaseAuditLog(partial(_CLIENTS[kind], supabase.url, "sb_secret_of_another_project"))
    for ask in (log.ping(), log.check(), log.append(entries_of(switched_session()))):
        with pytest.raises(AuditKeyRefused) as refused:
            await ask
        assert "SUPABASE_SERVICE_ROLE_KEY" in refused.value.reason
    await log.close()


@pytest.mark.parametrize("kind", list(_CLIENTS))
@pytest.mark.parametrize(
    ("key", "bearer"), [(SECRET_KEY, None), ("eyJh.e30.s", "Bearer eyJh.e30.s")]
)
async def test_only_a_legacy_key_is_sent_as_a_bearer_token_too(
    kind: str, key: str, bearer: str | None
) -> None:
    heads: list[str] = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        log = SupabaseAuditLog(partial(_CLIENTS[kind], f"http://127.0.0.1:{port}", key))
        with pytest.raises(AuditKeyRefused):
            await log.ping()
        await log.close()
    (head,) = heads
    fields = dict(line.lower().split(": ", 1) for line in head.splitlines()[1:] if line)
    assert fields["apikey"] == key.lower()
    assert fields.get("authorization") == (bearer.lower() if bearer else None)
