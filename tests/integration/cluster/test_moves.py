"""Slot migration and node failures under load lose and duplicate no acknowledged change."""

import asyncio

import pytest

from infra.local.ports import free_port
from infra.local.redis_cluster import ClusterNode, LocalCluster
from shared.application.errors import StoreUnavailable
from shared.store.redis import NativeConnection
from tests.integration.cluster.conftest import KEYS, StoreParts, shards_of
from tests.integration.cluster.load import WriteLoad
from tests.integration.cluster.test_shards import create_on_all_shards


def other_primary(cluster: LocalCluster, shard: str) -> ClusterNode:
    """Return a primary that doesn't own `shard`."""
    owners = map(cluster.owner_of, KEYS.all_shards)
    return next(owner for owner in owners if owner is not cluster.owner_of(shard))


async def test_the_first_connection_succeeds_while_one_of_the_given_hosts_is_down(
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


async def test_a_migrated_slot_is_found(parts: StoreParts, cluster: LocalCluster) -> None:
    names = await create_on_all_shards(parts)
    await asyncio.to_thread(cluster.migrate, "{s2}", other_primary(cluster, "{s2}"))
    loaded = await parts.store.load_many(names)
    assert all(one.stored for one in loaded.sessions)
    await create_on_all_shards(parts)


async def test_sessions_are_readable_while_their_slot_migrates(
    parts: StoreParts, cluster: LocalCluster
) -> None:
    names = [name for _ in range(5) for name in await create_on_all_shards(parts)]
    with cluster.migrating("{s3}", other_primary(cluster, "{s3}")):
        loaded = await parts.store.load_many(names)
        assert all(one.stored for one in loaded.sessions)
        for name in names:
            assert (await parts.store.load(name)).stored is not None
        missing = await parts.store.load("no such session")
        assert missing.stored is None


async def test_slot_migration_under_load_loses_no_change(
    parts: StoreParts, cluster: LocalCluster
) -> None:
    async with WriteLoad(parts) as load:
        for shard in KEYS.all_shards[:4]:
            target = other_primary(cluster, shard)
            await asyncio.to_thread(cluster.migrate, shard, target)
            await load.wait_for_progress()
    await load.check()


async def test_a_planned_failover_loses_no_change(parts: StoreParts, cluster: LocalCluster) -> None:
    async with WriteLoad(parts) as load:
        await asyncio.to_thread(cluster.planned_failover, "{s1}")
        await load.wait_for_progress()
    await load.check()


async def test_when_a_primary_dies_its_replica_takes_over_and_other_shards_see_no_outage(
    parts: StoreParts, cluster: LocalCluster
) -> None:
    dying = cluster.owner_of("{s0}")
    dead_shards = shards_of(cluster, dying)
    living = [shard for shard in KEYS.all_shards if shard not in dead_shards]
    async with WriteLoad(parts) as load:
        cluster.kill(dying)
        promoted = asyncio.create_task(
            asyncio.to_thread(cluster.wait_until_promoted, "{s0}", not_by=dying)
        )
        await asyncio.sleep(0.2)
        with pytest.raises(StoreUnavailable):
            await parts.store.load(load.writers_on(dead_shards)[0].name)
        assert not promoted.done()
        await promoted
        await load.wait_for_progress()
    for writer in load.writers_on(living):
        assert writer.outages == 0
        await writer.check()
    assert sum(writer.outages for writer in load.writers_on(dead_shards)) > 0


async def test_when_a_primary_is_suspended_its_replica_takes_over(
    parts: StoreParts, cluster: LocalCluster
) -> None:
    stopped = cluster.owner_of("{s6}")
    living = [s for s in KEYS.all_shards if s not in shards_of(cluster, stopped)]
    async with WriteLoad(parts) as load:
        stopped.process.suspend()
        await load.wait_for_progress()
        stopped.process.resume()
        await asyncio.to_thread(cluster.wait_until_healthy)
        await load.wait_for_progress()
    for writer in load.writers_on(living):
        assert writer.outages == 0
        await writer.check()
