"""Pushes in a cluster: every shard's pushes arrive, also after the subscribed node has failed."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from infra.local.redis_cluster import ClusterNode, LocalCluster
from shared.application.errors import StoreUnavailable
from shared.application.event_loop import cancel_and_wait
from shared.realtime.delivery_check import DeliveryCheck
from shared.realtime.listener import GAP
from shared.realtime.redis import RedisFanOut
from shared.store.redis import NativeConnection
from tests.integration.cluster.conftest import KEYS, session_id_on

_TIMEOUT_S = 30.0
_PAUSE_S = 0.1


@pytest.fixture
async def connection(cluster: LocalCluster) -> AsyncIterator[NativeConnection]:
    """The connection that publishes."""
    connection = NativeConnection(cluster.url)
    await connection.ask([("TIME",)])
    yield connection
    await connection.close()


@pytest.fixture
async def channels(connection: NativeConnection) -> AsyncIterator[RedisFanOut]:
    """The push channels that listen."""
    echo = DeliveryCheck(KEYS.self_check_channel("an-instance"), connection.publish)
    channels = RedisFanOut(connection.subscriber, KEYS.push_channel, echo=echo)
    task = asyncio.create_task(channels.run())
    yield channels
    await cancel_and_wait([task])


def nodes_with_subscribers(cluster: LocalCluster) -> list[ClusterNode]:
    """Return the nodes that have a subscriber."""
    clients = {node: node.says("CLIENT", "LIST", "TYPE", "pubsub") for node in cluster.nodes}
    return [node for node, listed in clients.items() if listed]


async def publish_text(connection: NativeConnection, name: str, text: str) -> None:
    """Publish a push of the session `name` that contains `text`."""
    message = f'{{"type":"STATE_UPDATE","text":"{text}"}}'
    await connection.ask([("PUBLISH", KEYS.push_channel(name), message)])


async def _is_published(connection: NativeConnection, name: str, text: str) -> bool:
    try:
        await publish_text(connection, name, text)
    except StoreUnavailable:
        return False
    return True


async def test_pushes_of_every_shard_arrive(
    channels: RedisFanOut, connection: NativeConnection
) -> None:
    for shard in KEYS.all_shards:
        name = session_id_on(shard)
        async with channels.listen(name) as listener:
            await publish_text(connection, name, shard)
            assert shard in (await listener.get()).text


@pytest.mark.parametrize("fault", ["dies", "is suspended"])
async def test_the_subscription_moves_to_another_node_when_its_node_fails(
    channels: RedisFanOut, connection: NativeConnection, cluster: LocalCluster, fault: str
) -> None:
    name = session_id_on("{s0}")
    async with channels.listen(name) as listener:
        (node,) = nodes_with_subscribers(cluster)
        if fault == "dies":
            cluster.kill(node)
        else:
            node.process.suspend()
        async with asyncio.timeout(_TIMEOUT_S):
            assert await listener.get() == GAP
            # The session's shard may be on that node, until its replica takes over.
            while not await _is_published(connection, name, "after it"):
                await asyncio.sleep(_PAUSE_S)
        assert "after it" in (await listener.get()).text
        assert node not in nodes_with_subscribers(cluster)
