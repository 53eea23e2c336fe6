"""The Redis of a soak, which may be a cluster that loses a primary."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from redis import Redis, RedisCluster
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from functions.tools.soak.plan import Plan
from infra.local.redis import embedded_redis
from infra.local.redis_cluster import ClusterNode, LocalCluster, local_cluster
from shared.store.keys import Keys

_VICTIM = "{s0}"
"""The shard whose primary is killed."""

_ONCE = Retry(NoBackoff(), 0)


@dataclass(frozen=True, slots=True)
class Failover:
    """A primary that was killed, and what it had."""

    shards: frozenset[str]
    """The hash tags that it owned."""
    killed_at: float
    """`time.time()`, just after it was killed."""


class Store:
    """Looks into Redis past the service."""

    def __init__(self, url: str, keys: Keys, client: Any, cluster: LocalCluster | None) -> None:
        self.url = url
        self.keys = keys
        self.failovers: list[Failover] = []
        self.cluster = cluster
        self._client = client
        self._waiting = 0

    @property
    def settings(self) -> dict[str, str]:
        """What the service must know to reach it."""
        return {"REDIS_URL": self.url, "STORE_SHARDS": str(self.keys.shards)}

    def waiting(self) -> int:
        """How many audit entries wait; as last seen where a part of Redis does not answer."""
        with suppress(RedisError, OSError):
            self._waiting = self._count(self.keys.outbox)
        return self._waiting

    def dead_letters(self) -> int:
        """How many audit entries could not be written."""
        return self._count(self.keys.dead_letters)

    def fail_over(self, lag_s: float) -> None:
        """Kill a primary, wait until its replica has its place, start it again as a replica.

        For `lag_s` before its end the replica gets nothing from it.
        """
        assert self.cluster is not None
        victim = self.kill_primary(lag_s)
        self.cluster.wait_until_owned(_VICTIM, not_by=victim)
        self.cluster.restart(victim)

    def kill_primary(self, lag_s: float) -> ClusterNode:
        """Kill a primary and note what it had; returns the dead node."""
        assert self.cluster is not None
        victim = self.cluster.owner_of(_VICTIM)
        shards = (tag for tag in self.keys.all_shards if self.cluster.owner_of(tag) is victim)
        owned = frozenset(shards)
        if lag_s:
            self.cluster.kill_behind_its_replica(victim, lag_s)
        else:
            self.cluster.kill(victim)
        self.failovers.append(Failover(owned, time.time()))
        return victim

    def _count(self, stream: Any) -> int:
        return sum(int(self._client.xlen(stream(shard))) for shard in self.keys.all_shards)


@contextmanager
def store_of(plan: Plan) -> Iterator[Store]:
    """One Redis, or a cluster where the plan says so, to the end of the block."""
    keys = Keys(plan.shards)
    if plan.cluster:
        with local_cluster() as cluster:
            port = cluster.nodes[0].port
            with RedisCluster(host="127.0.0.1", port=port, retry=_ONCE) as client:
                yield Store(cluster.all_urls, keys, client, cluster)
    else:
        with embedded_redis() as url, Redis.from_url(url) as client:
            yield Store(url, keys, client, None)
