"""The lists of sessions in the store: their order, pages, and when a session leaves them."""

import random
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from shared.application.commit_builder import ChangeContext, build_commit
from shared.application.ports.commit import Commit, Committed, Origin, StoredSession
from shared.application.ports.listed_sessions import (
    ListedSession,
    ListPosition,
    ListScope,
    ListSpan,
)
from shared.application.ports.rate_limit import RateLimit
from shared.application.ports.session_index import SessionIndex
from shared.application.ports.session_store import SessionStore
from shared.application.store_clock import StoreClock
from shared.domain.commands import Cancel, Command, Create, Delete, NewParticipant, Start
from shared.domain.creation import create
from shared.domain.session import Session, SyncMode
from shared.domain.transition import transition
from shared.domain.units import DAY, HOUR, Instant, Millis
from shared.store.connection import StoreConnection
from shared.store.keys import StoreKeys
from shared.store.session_index import RedisSessionIndex
from tests.support.measured_connection import MeasuredConnection

_TENANT = ListScope("school")
_ALICE = ListScope("school", "alice")
_CREATED = Instant(2_000_000_000_000)
_CONTEXT = ChangeContext(Origin("service"))


@pytest.fixture
def index(connection: StoreConnection, keys: StoreKeys) -> SessionIndex:
    """The lists of the store under test."""
    return RedisSessionIndex(connection, keys, StoreClock())


def creation(scope: ListScope, at: Instant = _CREATED, participants: int = 2) -> Commit:
    """Return the commit that creates a session in `scope`."""
    spec = Create(
        str(uuid4()),
        SyncMode.PER_PARTICIPANT,
        tuple(NewParticipant(str(n), total_time_ms=Millis(60_000)) for n in range(participants)),
        tenant=scope.tenant,
        owner=scope.owner,
    )
    return build_commit(None, [create(spec, at)], at, _CONTEXT).commit


def creation_on(keys: StoreKeys, shard: str, at: Instant) -> Commit:
    """Return a creation for Alice that `shard` stores."""
    while True:
        commit = creation(_ALICE, at)
        if keys.shard_of(commit.name) == shard:
            return commit


def following(before: Commit, command: Command, at: Instant) -> Commit:
    """Return the commit of `command` on the session as `before` left it."""
    assert before.stored is not None
    stored: StoredSession = before.stored
    change = transition(stored.session, command, at)
    return build_commit(stored, [change], at, _CONTEXT).commit


async def committed(store: SessionStore, *commits: Commit) -> list[Session]:
    for commit in commits:
        assert await store.commit(commit) == Committed()
    return [commit.session for commit in commits if commit.session]


async def listed(index: SessionIndex, scope: ListScope, *, ended: bool = True) -> list[str]:
    """Return the ids in the list, newest first."""
    page = await index.newest(scope, ListSpan(100), include_ended=ended)
    return [position.session_id for position in page.positions]


async def test_a_tenant_s_list_has_all_its_sessions_and_a_host_s_its_own(
    store: SessionStore, index: SessionIndex
) -> None:
    scopes = [_TENANT, _ALICE, ListScope("school", "bob"), ListScope(None, "alice"), ListScope("b")]
    commits = [creation(scope, Instant(_CREATED + n)) for n, scope in enumerate(scopes)]
    ids = [session.session_id for session in await committed(store, *commits)]
    assert await listed(index, _TENANT) == [ids[2], ids[1], ids[0]]
    assert await listed(index, _ALICE) == [ids[1]]
    assert await listed(index, ListScope(None)) == [ids[3]]
    assert await listed(index, ListScope(None, "bob")) == []


async def test_pages_have_each_session_once_while_others_are_created(
    store: SessionStore, index: SessionIndex
) -> None:
    """Five sessions have the same millisecond; some of the later ones are created in between."""
    instants = [Instant(_CREATED + n // 5) for n in range(20)]
    random.Random(1).shuffle(instants)
    before = await committed(store, *(creation(_ALICE, at) for at in instants))
    paged: list[ListPosition] = []
    while page := await index.newest(_ALICE, ListSpan(3, paged[-1] if paged else None)):
        if not page.positions:
            break
        paged += page.positions
        await committed(store, creation(_ALICE, Instant(_CREATED + 100 + len(paged))))
    expected = sorted((ListPosition(s.created_at, s.session_id) for s in before), reverse=True)
    assert paged == expected


async def test_a_list_can_begin_at_an_instant(store: SessionStore, index: SessionIndex) -> None:
    sessions = await committed(store, *(creation(_TENANT, Instant(_CREATED + n)) for n in range(4)))
    page = await index.newest(_TENANT, ListSpan(10, since=Instant(_CREATED + 2)))
    assert [p.session_id for p in page.positions] == [s.session_id for s in sessions[:1:-1]]


async def test_an_ended_session_leaves_the_live_ones_and_a_deleted_one_all(
    store: SessionStore, index: SessionIndex
) -> None:
    ending, leaving = creation(_ALICE), creation(_ALICE)
    started = [following(c, Start(), Instant(_CREATED + 1)) for c in (ending, leaving)]
    await committed(store, ending, leaving, *started)
    for scope in (_TENANT, _ALICE):
        assert len(await listed(index, scope, ended=False)) == 2
    end = following(started[0], Cancel(), Instant(_CREATED + 2))
    await committed(store, end, following(started[1], Delete(), Instant(_CREATED + 2)))
    for scope in (_TENANT, _ALICE):
        assert await listed(index, scope, ended=False) == []
        assert await listed(index, scope) == [end.session and end.session.session_id]
    found = await index.sessions([ending.name, leaving.name, "unknown"])
    assert end.session
    assert found == {ending.name: ListedSession.of(end.session), leaving.name: None}


async def test_expired_sessions_are_removed_with_the_next_creation(
    store: SessionStore, index: SessionIndex, keys: StoreKeys, redis: Redis
) -> None:
    """The list's keys expire too if nothing is created any more."""
    first = creation(_ALICE)
    await committed(store, first)
    shard = keys.shard_of(first.name)
    for key in keys.list_of(shard, _ALICE):
        if await redis.exists(key):
            assert DAY < await redis.pttl(key) < 3 * DAY
    await redis.delete(keys.session(first.name))
    assert await index.sessions([first.name]) == {}
    later = creation_on(keys, shard, Instant(_CREATED + 3 * DAY))
    await committed(store, later)
    assert await listed(index, _ALICE) == [later.session and later.session.session_id]
    assert await redis.zcard(keys.list_of(shard, _ALICE).expiry) == 1


async def test_the_expiry_of_the_members_is_kept_as_long_as_the_members(
    store: SessionStore, keys: StoreKeys, redis: Redis
) -> None:
    """Otherwise a member without an expiry would stay in a list that is used again."""
    first = creation(_ALICE)
    await committed(store, first)
    assert first.listed_until
    shard = keys.shard_of(first.name)
    of_alice = keys.list_of(shard, _ALICE)
    await redis.delete(of_alice.live)
    await redis.pexpire(of_alice.expiry, first.listed_until - first.now + 60_000)
    await committed(store, creation_on(keys, shard, _CREATED))
    kept_ms = await redis.pttl(of_alice.expiry)
    assert kept_ms >= await redis.pttl(of_alice.live) > DAY


async def test_a_session_that_was_changed_stays_in_the_list_for_longer(
    store: SessionStore, index: SessionIndex
) -> None:
    first = creation(_ALICE)
    changed = following(first, Start(), Instant(_CREATED + 20 * HOUR))
    await committed(store, first, changed)
    assert first.listed_until
    others = [creation(_ALICE, Instant(first.listed_until + 1)) for _ in range(40)]
    await committed(store, *others)
    assert first.name in map(_ALICE.name_of, await listed(index, _ALICE))


def test_lists_change_at_most_once_an_hour_without_an_end() -> None:
    first = creation(_ALICE, Instant(_CREATED - _CREATED % HOUR))
    second = following(first, Start(), Instant(first.now + HOUR - 1))
    third = following(second, Cancel(), Instant(first.now + HOUR - 1))
    assert second.listed_until is None
    assert first.listed_until
    assert third.listed_until
    later = following(first, Start(), Instant(first.now + HOUR))
    assert later.listed_until == first.listed_until + HOUR


async def test_the_number_of_commands_depends_on_shards_and_the_page_only(
    store: SessionStore, connection: StoreConnection, keys: StoreKeys, redis: Redis
) -> None:
    commits = [creation(_TENANT, Instant(_CREATED + n)) for n in range(8)]
    await committed(store, *commits)
    measured = MeasuredConnection(connection)
    index = RedisSessionIndex(measured, keys, StoreClock())
    await redis.config_resetstat()
    limit = RateLimit("caller:alice", 4, Millis(1_000))
    page = await index.newest(_TENANT, ListSpan(5), limits=[limit])
    assert len(page.positions) == 5
    assert [quota.remaining for quota in page.quotas] == [3]
    names = [_TENANT.name_of(position.session_id) for position in page.positions]
    assert len(await index.sessions(names)) == 5
    calls = {name: used["calls"] for name, used in (await redis.info("commandstats")).items()}
    assert calls["cmdstat_zrevrangebylex"] == 2 * keys.shards
    assert calls["cmdstat_hmget"] == 5
    assert measured.round_trips == 2


async def test_sessions_in_parts_are_listed_with_the_number_of_participants(
    store: SessionStore, index: SessionIndex
) -> None:
    large = creation(_TENANT, participants=100)
    (session,) = await committed(store, large)
    assert await index.sessions([large.name]) == {large.name: ListedSession.of(session)}
    assert ListedSession.of(session).participant_count == 100
