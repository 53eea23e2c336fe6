"""A Redis that fails over: changes go on, and nothing that was acknowledged is lost or doubled."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from infra.local.instance import running
from infra.local.ports import restartable_port
from infra.local.postgres import EmbeddedPostgres
from infra.local.redis_cluster import LocalCluster, local_cluster
from infra.local.redis_node import RedisNode, wait_until
from tests.resilience.faults.audit_trail import AuditTrail
from tests.resilience.faults.fault_run import Stage, endure
from tests.resilience.faults.followers import by_events, by_websocket
from tests.resilience.faults.proxy import FaultyProxy, faulty_proxy
from tests.resilience.faults.selection import chosen


@contextmanager
def _two_servers() -> Iterator[list[RedisNode]]:
    """A primary and its replica."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        nodes = [RedisNode(Path(folder) / f"{n}", restartable_port(), ()) for n in range(2)]
        try:
            for node in nodes:
                node.process.start()
            _replicate(nodes[1], nodes[0])
            yield nodes
        finally:
            for node in nodes:
                node.close()


def _replicate(replica: RedisNode, primary: RedisNode) -> None:
    replica.ask("REPLICAOF", "127.0.0.1", primary.port)
    wait_until(
        lambda: replica.info("replication").get("master_link_status") == "up", "it is in sync"
    )


@contextmanager
def _instances(postgres: EmbeddedPostgres, redis_url: str, **settings: str) -> Iterator[Stage]:
    trail = {"DATABASE_URL": postgres.url, **settings}
    with (
        running(redis_url, port=None, quiet=False, **trail) as one,
        running(redis_url, port=None, quiet=False, **trail) as two,
    ):
        yield Stage(
            urls=(one.url, two.url),
            followings=[way(one) for way in (by_websocket, by_events)]
            + [way(two) for way in (by_websocket, by_events)],
            trail=AuditTrail(postgres.url),
        )


@contextmanager
def _hands_over(nodes: list[RedisNode], proxy: FaultyProxy, *, cut_off: bool) -> Iterator[None]:
    """The primary hands over in good order and lives on as a replica, all its connections with it;
    the address leads to the new one. `cut_off`: the replica can't follow its primary any more."""
    old, new = nodes
    old.ask("FAILOVER", "TO", "127.0.0.1", new.port)
    wait_until(lambda: new.info("replication").get("role") == "master", "it has handed over")
    if cut_off:
        old.ask("REPLICAOF", "127.0.0.1", 1)
    yield
    proxy.lead_to(new.port)


def _name_of(cut_off: bool) -> str:
    return "is cut off" if cut_off else "follows"


@pytest.mark.parametrize("cut_off", chosen(False, full=[True]), ids=_name_of)
async def test_a_redis_that_failed_over_behind_one_address_is_left(
    own_postgres: EmbeddedPostgres, cut_off: bool
) -> None:
    with (
        _two_servers() as nodes,
        faulty_proxy(nodes[0].port) as proxy,
        _instances(own_postgres, f"redis://127.0.0.1:{proxy.port}/0") as stage,
    ):
        trial = await endure(stage, lambda: _hands_over(nodes, proxy, cut_off=cut_off))
        assert trial.ledger.statuses(since=trial.warm)[503]


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    """Six nodes."""
    with local_cluster() as cluster:
        yield cluster


@contextmanager
def _dies(cluster: LocalCluster) -> Iterator[None]:
    """A primary is killed, and its replica takes its place."""
    dead = cluster.owner_of("{s0}")
    cluster.kill(dead)
    yield
    cluster.wait_until_owned("{s0}", not_by=dead)


async def test_a_node_of_a_cluster_dies(
    own_postgres: EmbeddedPostgres, cluster: LocalCluster
) -> None:
    with _instances(own_postgres, cluster.url, STORE_SHARDS="8") as stage:
        trial = await endure(stage, lambda: _dies(cluster))
        assert trial.ledger.statuses(since=trial.struck)[200]
