"""Everything that the store does, with its shards on three servers."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from infra.local.redis_cluster import LocalCluster
from shared.domain.events import Change
from shared.domain.units import Instant, Millis
from shared.ports import Committed, IdempotencyKey, Limit
from shared.store.connection import Failed
from tests.integration.cluster.conftest import KEYS, Shelf, name_on
from tests.integration.store.commits import new_session, writing
from tests.support.scenarios import switched_session


def on_shard(shard: str, change: Change | None = None) -> Change:
    """A new session there."""
    change = change or new_session()
    session = replace(change.session, session_id=name_on(shard))
    return replace(change, session=session)


async def created(shelf: Shelf, **more: Any) -> list[str]:
    """One session on each shard; returns their names, in the order of the shards."""
    names = []
    for shard in KEYS.all_shards:
        change = on_shard(shard)
        assert await shelf.store.commit(writing(change, **more)) == Committed()
        names.append(change.session.name)
    return names


async def test_sessions_are_written_and_read_on_every_shard(shelf: Shelf) -> None:
    for name in await created(shelf):
        assert (await shelf.store.load(name)).stored is not None


async def test_several_sessions_are_read_at_once_in_the_order_asked_for(shelf: Shelf) -> None:
    names = [*reversed(await created(shelf)), name_on("{s3}")]
    limit = Limit("caller:alice", 4, Millis(1_000))
    loaded = await shelf.store.load_many(names, [limit])
    found = [one.stored.session.name if one.stored else None for one in loaded.sessions]
    assert found == [*names[:-1], None]
    assert [quota.remaining for quota in loaded.quotas] == [3]
    assert all(0 <= loaded.now - one.now < 1_000 for one in loaded.sessions)


async def test_each_shard_has_an_agenda_by_its_own_clock(shelf: Shelf) -> None:
    names = await created(shelf, wake_at=Instant(1_000))
    agendas = await shelf.store.agendas(10)
    assert [[w.name for w in agenda.wakeups] for agenda in agendas] == [[name] for name in names]
    for agenda in agendas:
        assert len(await shelf.store.claim(agenda.wakeups, Instant(2_000))) == 1


async def test_all_shards_are_counted(shelf: Shelf) -> None:
    await created(shelf)
    census = await shelf.store.census()
    assert (census.live_sessions, census.outbox_length) == (8, 8)


async def test_the_outboxes_of_all_shards_are_emptied(shelf: Shelf) -> None:
    names = await created(shelf)
    taken = await shelf.outbox.take("worker", 10, 1_000_000)
    assert len(taken) == 8
    assert await shelf.outbox.waiting(names[3])
    assert set(await shelf.outbox.newest(KEYS.all_shards)) == set(names)
    await shelf.outbox.park(taken[0], "a reason")
    await shelf.outbox.settle(taken[1:])
    census = await shelf.store.census()
    assert (census.outbox_length, census.dead_letters) == (0, 1)


async def test_lost_shards_are_told_from_whole_ones(shelf: Shelf) -> None:
    assert await shelf.memory.lost() == KEYS.all_shards
    await shelf.memory.begin_recovery("me", KEYS.all_shards)
    await shelf.memory.end_recovery("me", KEYS.all_shards[2:])
    assert await shelf.memory.lost() == KEYS.all_shards[:2]


async def test_pushes_that_are_owed_are_taken_from_all_shards(shelf: Shelf) -> None:
    await shelf.store.time()
    names = [name_on(shard) for shard in KEYS.all_shards]
    for name in names:
        assert await shelf.owed.add(name)
    assert (await shelf.owed.take(10)).pushes == ()
    await asyncio.sleep(1.1)
    taken = await shelf.owed.take(10)
    assert {push.name for push in taken.pushes} == set(names)
    for push in taken.pushes:
        await shelf.owed.settle(push)
    assert (await shelf.owed.take(10)).next_in_ms is None


async def test_a_recorded_answer_is_found_beside_its_session(shelf: Shelf) -> None:
    name = name_on("{s5}")
    change = replace(new_session(), session=replace(new_session().session, session_id=name))
    key = IdempotencyKey(name, "k1", "fingerprint")
    await shelf.store.commit(writing(change))
    loaded = await shelf.store.load(name, key, [Limit("caller:bob", 2, Millis(1_000))])
    assert loaded.stored is not None
    assert [quota.remaining for quota in loaded.quotas] == [1]


async def test_a_story_goes_on_though_every_server_forgets_the_scripts(
    shelf: Shelf, cluster: LocalCluster
) -> None:
    for shard in KEYS.all_shards:
        cluster.owner_of(shard).ask("SCRIPT", "FLUSH")
        revision = None
        for change in switched_session(2, session_id=name_on(shard)):
            commit = writing(change, revision)
            assert await shelf.store.commit(commit) == Committed()
            revision = commit.operation_id


async def test_a_server_that_can_t_be_reached_takes_only_its_own_shards_with_it(
    shelf: Shelf, cluster: LocalCluster
) -> None:
    names = dict(zip(KEYS.all_shards, await created(shelf, wake_at=Instant(1_000)), strict=True))
    primary = cluster.owner_of("{s0}")
    lost = {shard for shard in KEYS.all_shards if cluster.owner_of(shard) is primary}
    with cluster.out_of_reach("{s0}"):
        agendas = await shelf.store.agendas(10)
        assert len(agendas) == len(KEYS.all_shards) - len(lost)
        taken = await shelf.outbox.take("worker", 10, 1_000_000)
        assert {delivery.shard for delivery in taken} == set(KEYS.all_shards) - lost
        assert set(await shelf.memory.lost()) == set(KEYS.all_shards) - lost
        census = await shelf.store.census()
        assert census.live_sessions == len(KEYS.all_shards) - len(lost)
        loop = asyncio.get_running_loop()
        for shard in set(KEYS.all_shards) - lost:
            began = loop.time()
            assert (await shelf.store.load(names[shard])).stored is not None
            assert loop.time() - began < 0.2


async def test_a_limit_whose_shard_is_gone_is_not_counted_and_the_session_is_read(
    shelf: Shelf, cluster: LocalCluster
) -> None:
    names = dict(zip(KEYS.all_shards, await created(shelf), strict=True))
    primary = cluster.owner_of("{s0}")
    living = next(s for s in KEYS.all_shards if cluster.owner_of(s) is not primary)
    counter = next(f"caller:{n}" for n in range(99) if KEYS.shard_of(f"caller:{n}") == "{s0}")
    with cluster.out_of_reach("{s0}"):
        loaded = await shelf.store.load(names[living], limits=[Limit(counter, 4, Millis(1_000))])
        assert loaded.stored is not None
        assert loaded.quotas == ()


async def test_a_script_over_two_shards_is_a_fault_of_ours(shelf: Shelf) -> None:
    from shared.errors import StoreUnavailable
    from shared.store.connection import Attempt, Script

    both = Script.of("return redis.call('GET', KEYS[1])")
    with pytest.raises(StoreUnavailable):
        await shelf.connection.run(both, ["{s0}:a", "{s1}:a"], [])
    crossing = Attempt(both, ["{s0}:a", "{s1}:a"], [])
    failed, value = await shelf.connection.ask([crossing, ("GET", "{s1}:a")])
    assert isinstance(failed, Failed)
    assert value is None
