"""Fixtures: a Redis Cluster and the store on it."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from uuid import uuid4

import pytest

from infra.local.redis_cluster import ClusterNode, LocalCluster, local_cluster
from shared.application.store_clock import StoreClock
from shared.store.data_loss import RedisDataLossDetector
from shared.store.keys import StoreKeys
from shared.store.outbox import RedisOutbox
from shared.store.pending_pushes import RedisPendingPushes
from shared.store.redis import NativeConnection
from shared.store.session_index import RedisSessionIndex
from shared.store.sessions import RedisSessionStore

KEYS = StoreKeys(8)


@pytest.fixture(scope="package")
def cluster() -> Iterator[LocalCluster]:
    """Six nodes: three primaries, each with a replica."""
    with local_cluster() as cluster:
        yield cluster


@pytest.fixture(autouse=True)
def heal_cluster(request: pytest.FixtureRequest) -> Iterator[None]:
    """After each test: restart and resume the nodes that the test killed or suspended."""
    yield
    if "cluster" in request.fixturenames:
        cluster: LocalCluster = request.getfixturevalue("cluster")
        for node in cluster.nodes:
            if not node.process.is_running:
                cluster.restart(node)
            node.process.resume()
        cluster.wait_until_healthy()


@dataclass
class StoreParts:
    """The parts of the store that share one connection."""

    connection: NativeConnection

    def __post_init__(self) -> None:
        self.clock = StoreClock()
        self.store = RedisSessionStore(self.connection, KEYS, self.clock)
        self.index = RedisSessionIndex(self.connection, KEYS, self.clock)
        self.outbox = RedisOutbox(self.connection, KEYS)
        self.memory = RedisDataLossDetector(self.connection, KEYS)
        self.owed = RedisPendingPushes(self.connection, KEYS, self.clock)


@pytest.fixture
async def parts(cluster: LocalCluster) -> AsyncIterator[StoreParts]:
    """The store on an empty cluster."""
    with cluster.client() as client:
        client.flushall(target_nodes="primaries")
    connection = NativeConnection(cluster.url)
    yield StoreParts(connection)
    await connection.close()


def session_id_on(shard: str) -> str:
    """Return a new session id that belongs to `shard`."""
    while KEYS.shard_of(name := str(uuid4())) != shard:
        pass
    return name


def shards_of(cluster: LocalCluster, node: ClusterNode) -> list[str]:
    """Return the shards whose keys are on `node`."""
    return [shard for shard in KEYS.all_shards if cluster.owner_of(shard) is node]
