"""Slots that move to other nodes, and nodes that die, under load: nothing is lost or doubled."""

import asyncio
import time

import pytest

from infra.local.ports import free_port
from infra.local.redis_cluster import ClusterNode, LocalCluster
from shared.errors import StoreUnavailable
from shared.store.redis import NativeConnection
from tests.integration.cluster.conftest import KEYS, Shelf, shards_of
from tests.integration.cluster.load import Load
from tests.integration.cluster.test_shards import created

_PROMISE_S = 2.0
"""Changes go on this long after the new primary takes them."""


def other_primary(cluster: LocalCluster, shard: str) -> ClusterNode:
    """A primary that doesn't own `shard`."""
    owners = map(cluster.owner_of, KEYS.all_shards)
    return next(owner for owner in owners if owner is not cluster.owner_of(shard))


async def test_one_of_several_hosts_may_be_away_when_a_cluster_is_first_reached(
    cluster: LocalCluster,
) -> None:
    first, second, *_ = cluster.nodes
    for _ in range(4):
        connection = NativeConnection(
            f"redis://127.0.0.1:{free_port()},127.0.0.1:{first.port},127.0.0.1:{second.port}"
        )
        for shard in KEYS.all_shards:
            assert await connection.ask([("EXISTS", f"{shard}:nothing")]) == [0]
        await connection.close()


async def test_a_slot_that_has_moved_is_found(shelf: Shelf, cluster: LocalCluster) -> None:
    names = await created(shelf)
    await asyncio.to_thread(cluster.migrate, "{s2}", other_primary(cluster, "{s2}"))
    loaded = await shelf.store.load_many(names)
    assert all(one.stored for one in loaded.sessions)
    await created(shelf)


async def test_sessions_are_read_while_their_slot_is_on_both_sides(
    shelf: Shelf, cluster: LocalCluster
) -> None:
    names = [name for _ in range(5) for name in await created(shelf)]
    with cluster.migrating("{s3}", other_primary(cluster, "{s3}")):
        loaded = await shelf.store.load_many(names)
        assert all(one.stored for one in loaded.sessions)
        for name in names:
            assert (await shelf.store.load(name)).stored is not None
        missing = await shelf.store.load("no such session")
        assert missing.stored is None


async def test_nothing_is_lost_while_slots_migrate_under_load(
    shelf: Shelf, cluster: LocalCluster
) -> None:
    async with Load(shelf) as load:
        for shard in KEYS.all_shards[:4]:
            target = other_primary(cluster, shard)
            await asyncio.to_thread(cluster.migrate, shard, target)
            await load.goes_on(_PROMISE_S)
    await load.check()


async def test_a_primary_that_hands_over_loses_nothing(shelf: Shelf, cluster: LocalCluster) -> None:
    async with Load(shelf) as load:
        await asyncio.to_thread(cluster.hand_over, "{s1}")
        await load.goes_on(_PROMISE_S)
    await load.check()


async def test_a_node_that_dies_is_left_to_its_replica_and_the_others_go_on(
    shelf: Shelf, cluster: LocalCluster
) -> None:
    dying = cluster.owner_of("{s0}")
    hit = shards_of(cluster, dying)
    living = [shard for shard in KEYS.all_shards if shard not in hit]
    async with Load(shelf) as load:
        cluster.kill(dying)
        promoted = asyncio.create_task(
            asyncio.to_thread(cluster.wait_until_owned, "{s0}", not_by=dying)
        )
        refused_s = await _refused(shelf, load.of(hit)[0].name)
        await promoted
        await load.goes_on(_PROMISE_S)
    assert refused_s < 0.1
    for writer in load.of(living):
        assert (writer.outages, writer.longest_s < 0.5) == (0, True)
        await writer.check()
    assert sum(writer.outages for writer in load.of(hit)) > 0


async def _refused(shelf: Shelf, name: str) -> float:
    """How long it takes to be told that a dead node's session can't be read."""
    await asyncio.sleep(0.2)
    began = time.monotonic()
    with pytest.raises(StoreUnavailable):
        await shelf.store.load(name)
    return time.monotonic() - began


async def test_a_node_that_stands_still_is_left_to_its_replica(
    shelf: Shelf, cluster: LocalCluster
) -> None:
    stopped = cluster.owner_of("{s6}")
    living = [s for s in KEYS.all_shards if s not in shards_of(cluster, stopped)]
    async with Load(shelf) as load:
        stopped.process.suspend()
        loop = asyncio.get_running_loop()
        give_up = loop.time() + 6
        async with asyncio.timeout_at(give_up):
            await load.goes_on(6)
        stopped.process.resume()
        await asyncio.to_thread(cluster.wait_until_healthy)
        await load.goes_on(_PROMISE_S)
    for writer in load.of(living):
        assert (writer.outages, writer.longest_s < 0.5) == (0, True)
        await writer.check()
