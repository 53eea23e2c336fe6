"""Pushes in a cluster: heard from whichever node, and from another one when that is gone."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from infra.local.redis_cluster import ClusterNode, LocalCluster
from shared.realtime.echo import Echo
from shared.realtime.listener import LOST
from shared.realtime.redis import PushChannels
from shared.store.redis import NativeConnection
from shared.tasks import end
from tests.integration.cluster.conftest import KEYS, name_on

_PROMISE_S = 3.0


@pytest.fixture
async def connection(cluster: LocalCluster) -> AsyncIterator[NativeConnection]:
    """What publishes."""
    connection = NativeConnection(cluster.url)
    await connection.ask([("TIME",)])
    yield connection
    await connection.close()


@pytest.fixture
async def channels(connection: NativeConnection) -> AsyncIterator[PushChannels]:
    """What listens."""
    echo = Echo(KEYS.echo_channel("an-instance"), connection.publish)
    channels = PushChannels(connection.subscriber, KEYS.push_channel, echo=echo)
    task = asyncio.create_task(channels.run())
    yield channels
    await end([task])


def listened_at(cluster: LocalCluster) -> list[ClusterNode]:
    """The nodes that somebody listens at."""
    clients = {node: node.says("CLIENT", "LIST", "TYPE", "pubsub") for node in cluster.nodes}
    return [node for node, listed in clients.items() if listed]


async def say(connection: NativeConnection, name: str, text: str) -> None:
    """Publish a push of that session."""
    message = f'{{"type":"STATE_UPDATE","text":"{text}"}}'
    await connection.ask([("PUBLISH", KEYS.push_channel(name), message)])


async def test_pushes_of_every_shard_are_heard(
    channels: PushChannels, connection: NativeConnection
) -> None:
    for shard in KEYS.all_shards:
        name = name_on(shard)
        async with channels.listen(name) as listener:
            await say(connection, name, shard)
            assert shard in (await listener.get()).text


@pytest.mark.parametrize("fault", ["dies", "stands still"])
async def test_another_node_is_listened_at_where_the_first_one_is_of_no_use(
    channels: PushChannels, connection: NativeConnection, cluster: LocalCluster, fault: str
) -> None:
    name = name_on("{s0}")
    async with channels.listen(name) as listener:
        (node,) = listened_at(cluster)
        if fault == "dies":
            cluster.kill(node)
        else:
            node.process.suspend()
        async with asyncio.timeout(_PROMISE_S):
            assert await listener.get() == LOST
        await say(connection, name, "after it")
        assert "after it" in (await listener.get()).text
        assert node not in listened_at(cluster)
