"""Every operation of the store works with its shards on three servers."""

import asyncio
from typing import Any

import pytest

from infra.local.redis_cluster import LocalCluster
from shared.application.ports.commit import Committed, IdempotencyKey
from shared.application.ports.listed_sessions import ListScope, ListSpan
from shared.application.ports.pending_pushes import PendingPush
from shared.application.ports.rate_limit import RateLimit
from shared.domain.events import SessionChange
from shared.domain.units import Instant, Millis
from shared.domain.values import replace
from shared.store.connection import FailedReply
from tests.integration.cluster.conftest import KEYS, StoreParts, session_id_on
from tests.integration.store.commits import commit_for, new_session
from tests.support.scenarios import switched_session


def on_shard(shard: str, change: SessionChange | None = None) -> SessionChange:
    """Return `change`, or a new session's creation, with a session id on `shard`."""
    change = change or new_session()
    session = replace(change.session, session_id=session_id_on(shard))
    return replace(change, session=session)


async def create_on_all_shards(parts: StoreParts, **more: Any) -> list[str]:
    """Create one session on each shard; return their names in the order of the shards."""
    names = []
    for shard in KEYS.all_shards:
        change = on_shard(shard)
        assert await parts.store.commit(commit_for(change, **more)) == Committed()
        names.append(change.session.name)
    return names


async def test_sessions_are_written_and_read_on_every_shard(parts: StoreParts) -> None:
    for name in await create_on_all_shards(parts):
        assert (await parts.store.load(name)).stored is not None


async def test_several_sessions_are_read_at_once_in_the_requested_order(parts: StoreParts) -> None:
    names = [*reversed(await create_on_all_shards(parts)), session_id_on("{s3}")]
    limit = RateLimit("caller:alice", 4, Millis(1_000))
    loaded = await parts.store.load_many(names, [limit])
    found = [one.stored.session.name if one.stored else None for one in loaded.sessions]
    assert found == [*names[:-1], None]
    assert [quota.remaining for quota in loaded.quotas] == [3]
    assert all(0 <= loaded.now - one.now < 1_000 for one in loaded.sessions)


async def test_each_shard_has_its_own_due_sessions_and_clock(parts: StoreParts) -> None:
    names = await create_on_all_shards(parts, wake_at=Instant(1_000))
    shards = await parts.store.due_wakeups(10)
    assert [[w.name for w in shard.wakeups] for shard in shards] == [[name] for name in names]
    for shard in shards:
        assert len(await parts.store.claim(shard.wakeups, Instant(2_000))) == 1


async def test_the_statistics_cover_all_shards(parts: StoreParts) -> None:
    await create_on_all_shards(parts)
    statistics = await parts.store.statistics()
    assert (statistics.live_sessions, statistics.outbox_length) == (8, 8)


async def test_a_list_has_the_sessions_of_all_shards(parts: StoreParts) -> None:
    names = await create_on_all_shards(parts)
    page = await parts.index.newest(ListScope(None), ListSpan(10))
    assert [p.session_id for p in page.positions] == sorted(names, reverse=True)
    assert [*await parts.index.sessions(names)] == names


async def test_the_outboxes_of_all_shards_are_emptied(parts: StoreParts) -> None:
    names = await create_on_all_shards(parts)
    taken = await parts.outbox.take("worker", 10, 1_000_000)
    assert len(taken) == 8
    assert await parts.outbox.waiting(names[3])
    assert set(await parts.outbox.newest(KEYS.all_shards)) == set(names)
    await parts.outbox.move_to_dead_letters(taken[0], "a reason")
    await parts.outbox.settle(taken[1:])
    statistics = await parts.store.statistics()
    assert (statistics.outbox_length, statistics.dead_letters) == (0, 1)


async def test_only_lost_shards_are_reported_as_lost(parts: StoreParts) -> None:
    assert await parts.memory.lost() == KEYS.all_shards
    await parts.memory.begin_recovery("me", KEYS.all_shards)
    await parts.memory.end_recovery("me", KEYS.all_shards[2:])
    assert await parts.memory.lost() == KEYS.all_shards[:2]


async def test_owed_pushes_are_taken_from_all_shards(parts: StoreParts) -> None:
    await parts.store.time()
    names = [session_id_on(shard) for shard in KEYS.all_shards]
    for name in names:
        assert await parts.owed.add(name)
    taken: list[PendingPush] = []
    async with asyncio.timeout(30):
        while len(taken) < len(names):
            taken += (await parts.owed.take(10)).pushes
            await asyncio.sleep(0.05)
    assert sorted(push.name for push in taken) == sorted(names)
    for push in taken:
        await parts.owed.settle(push)
    assert (await parts.owed.take(10)).next_in_ms is None


async def test_a_load_with_an_idempotency_key_and_a_limit_spans_shards(parts: StoreParts) -> None:
    name = session_id_on("{s5}")
    change = replace(new_session(), session=replace(new_session().session, session_id=name))
    key = IdempotencyKey(name, "k1", "fingerprint")
    await parts.store.commit(commit_for(change))
    loaded = await parts.store.load(name, key, [RateLimit("caller:bob", 2, Millis(1_000))])
    assert loaded.stored is not None
    assert [quota.remaining for quota in loaded.quotas] == [1]


async def test_commits_continue_after_every_server_has_lost_the_scripts(
    parts: StoreParts, cluster: LocalCluster
) -> None:
    for shard in KEYS.all_shards:
        cluster.owner_of(shard).ask("SCRIPT", "FLUSH")
        revision = None
        for change in switched_session(2, session_id=session_id_on(shard)):
            commit = commit_for(change, revision)
            assert await parts.store.commit(commit) == Committed()
            revision = commit.operation_id


async def test_an_unreachable_server_affects_only_its_own_shards(
    parts: StoreParts, cluster: LocalCluster
) -> None:
    names = dict(
        zip(KEYS.all_shards, await create_on_all_shards(parts, wake_at=Instant(1_000)), strict=True)
    )
    primary = cluster.owner_of("{s0}")
    lost = {shard for shard in KEYS.all_shards if cluster.owner_of(shard) is primary}
    with cluster.primary_suspended("{s0}"):
        shards = await parts.store.due_wakeups(10)
        assert len(shards) == len(KEYS.all_shards) - len(lost)
        taken = await parts.outbox.take("worker", 10, 1_000_000)
        assert {delivery.shard for delivery in taken} == set(KEYS.all_shards) - lost
        assert set(await parts.memory.lost()) == set(KEYS.all_shards) - lost
        statistics = await parts.store.statistics()
        assert statistics.live_sessions == len(KEYS.all_shards) - len(lost)
        for shard in set(KEYS.all_shards) - lost:
            assert (await parts.store.load(names[shard])).stored is not None


async def test_a_session_is_read_uncounted_when_the_limit_s_shard_is_unreachable(
    parts: StoreParts, cluster: LocalCluster
) -> None:
    names = dict(zip(KEYS.all_shards, await create_on_all_shards(parts), strict=True))
    primary = cluster.owner_of("{s0}")
    living = next(s for s in KEYS.all_shards if cluster.owner_of(s) is not primary)
    counter = next(f"caller:{n}" for n in range(99) if KEYS.shard_of(f"caller:{n}") == "{s0}")
    with cluster.primary_suspended("{s0}"):
        loaded = await parts.store.load(
            names[living], limits=[RateLimit(counter, 4, Millis(1_000))]
        )
        assert loaded.stored is not None
        assert loaded.quotas == ()


async def test_a_script_over_two_shards_fails(parts: StoreParts) -> None:
    from shared.application.errors import StoreUnavailable
    from shared.store.connection import OptionalScript, Script

    both = Script.of("return redis.call('GET', KEYS[1])")
    with pytest.raises(StoreUnavailable):
        await parts.connection.run(both, ["{s0}:a", "{s1}:a"], [])
    crossing = OptionalScript(both, ["{s0}:a", "{s1}:a"], [])
    failed, value = await parts.connection.ask([crossing, ("GET", "{s1}:a")])
    assert isinstance(failed, FailedReply)
    assert value is None
