"""The Redis of a soak test: one server, or a cluster in which a primary is killed."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from redis import Redis, RedisCluster
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from infra.local.redis import embedded_redis
from infra.local.redis_cluster import ClusterNode, LocalCluster, local_cluster
from shared.store.keys import StoreKeys
from tests.resilience.soak.plan import SoakPlan

_KILLED_SHARD = "{s0}"
"""The shard whose primary is killed."""

_ONCE = Retry(NoBackoff(), 0)


@dataclass(frozen=True, slots=True)
class Failover:
    """A killed primary."""

    shards: frozenset[str]
    """Hash tags that it owned."""
    killed_at: float
    """`time.time()`, just after it was killed."""


class RedisInspector:
    """Direct access to Redis, without the service."""

    def __init__(
        self, url: str, keys: StoreKeys, client: Any, cluster: LocalCluster | None
    ) -> None:
        self.url = url
        self.keys = keys
        self.failovers: list[Failover] = []
        self.cluster = cluster
        self._client = client
        self._waiting = 0

    @property
    def settings(self) -> dict[str, str]:
        """Settings of the service that select this Redis."""
        return {"REDIS_URL": self.url, "STORE_SHARDS": str(self.keys.shards)}

    def waiting(self) -> int:
        """Return the number of entries in the outbox, or the last count if Redis doesn't answer."""
        with suppress(RedisError, OSError):
            self._waiting = self._count(self.keys.outbox)
        return self._waiting

    def dead_letters(self) -> int:
        """Return the number of audit entries that could not be written."""
        return self._count(self.keys.dead_letters)

    def fail_over(self, lag_s: float) -> None:
        """Kill a primary, wait until its replica is promoted, restart it as a replica.

        Replication stops `lag_s` seconds before the kill.
        """
        assert self.cluster is not None
        primary = self.kill_primary(lag_s)
        self.cluster.wait_until_promoted(_KILLED_SHARD, not_by=primary)
        self.cluster.restart(primary)

    def kill_primary(self, lag_s: float) -> ClusterNode:
        """Kill a primary, add it to `failovers`, and return the killed node."""
        assert self.cluster is not None
        primary = self.cluster.owner_of(_KILLED_SHARD)
        shards = (tag for tag in self.keys.all_shards if self.cluster.owner_of(tag) is primary)
        owned = frozenset(shards)
        if lag_s:
            self.cluster.kill_without_replication(primary, lag_s)
        else:
            self.cluster.kill(primary)
        self.failovers.append(Failover(owned, time.time()))
        return primary

    def _count(self, stream: Any) -> int:
        return sum(int(self._client.xlen(stream(shard))) for shard in self.keys.all_shards)


@contextmanager
def start_redis(plan: SoakPlan) -> Iterator[RedisInspector]:
    """Start a Redis, or a cluster if the plan says so, and stop it at the end of the block."""
    keys = StoreKeys(plan.shards)
    if plan.cluster:
        with local_cluster() as cluster:
            port = cluster.nodes[0].port
            with RedisCluster(host="127.0.0.1", port=port, retry=_ONCE) as client:
                yield RedisInspector(cluster.all_urls, keys, client, cluster)
    else:
        with embedded_redis() as url, Redis.from_url(url) as client:
            yield RedisInspector(url, keys, client, None)
