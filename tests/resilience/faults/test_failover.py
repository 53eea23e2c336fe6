"""Changes go on after a failover of Redis, and no acknowledged change is lost or made twice."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from infra.local.instance import running
from infra.local.ports import free_port
from infra.local.postgres import EmbeddedPostgres
from infra.local.redis_cluster import LocalCluster, local_cluster
from infra.local.redis_node import RedisNode, wait_until
from tests.resilience.faults.audit_trail import AuditTrail
from tests.resilience.faults.fault_run import Deployment, run_with_fault
from tests.resilience.faults.followers import sse_transport, websocket_transport
from tests.resilience.faults.selection import chosen
from tests.support.fault_proxy.proxy import FaultyProxy, faulty_proxy


@contextmanager
def _two_servers() -> Iterator[list[RedisNode]]:
    """A primary and its replica."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        nodes = [RedisNode(Path(folder) / f"{n}", free_port(), ()) for n in range(2)]
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
def _instances(postgres: EmbeddedPostgres, redis_url: str, **settings: str) -> Iterator[Deployment]:
    trail = {"DATABASE_URL": postgres.url, **settings}
    with (
        running(redis_url, port=None, quiet=False, **trail) as one,
        running(redis_url, port=None, quiet=False, **trail) as two,
    ):
        yield Deployment(
            urls=(one.url, two.url),
            transports=[transport_of(one) for transport_of in (websocket_transport, sse_transport)]
            + [transport_of(two) for transport_of in (websocket_transport, sse_transport)],
            trail=AuditTrail(postgres.url),
        )


@contextmanager
def _fail_over(nodes: list[RedisNode], proxy: FaultyProxy, *, cut_off: bool) -> Iterator[None]:
    """Fail over to the replica. The old primary becomes its replica and keeps its connections; at
    the end, the proxy leads to the new one. `cut_off`: the old primary can't replicate any more."""
    old, new = nodes
    old.ask("FAILOVER", "TO", "127.0.0.1", new.port)
    wait_until(lambda: new.info("replication").get("role") == "master", "it has handed over")
    if cut_off:
        old.ask("REPLICAOF", "127.0.0.1", 1)
    yield
    proxy.redirect_to(new.port)


def _name_of(cut_off: bool) -> str:
    return "is cut off" if cut_off else "replicates"


@pytest.mark.parametrize("cut_off", chosen(False, full=[True]), ids=_name_of)
async def test_instances_reconnect_to_the_new_primary_behind_the_same_address(
    own_postgres: EmbeddedPostgres, cut_off: bool
) -> None:
    with (
        _two_servers() as nodes,
        faulty_proxy(nodes[0].port) as proxy,
        _instances(own_postgres, f"redis://127.0.0.1:{proxy.port}/0") as deployment,
    ):
        run = await run_with_fault(deployment, lambda: _fail_over(nodes, proxy, cut_off=cut_off))
        assert run.log.statuses(since=run.warmed_up_at)[503]


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    """A Redis cluster."""
    with local_cluster() as cluster:
        yield cluster


@contextmanager
def _kill_a_primary(cluster: LocalCluster) -> Iterator[None]:
    """Kill a primary; at the end, wait until its replica has replaced it."""
    dead = cluster.owner_of("{s0}")
    cluster.kill(dead)
    yield
    cluster.wait_until_promoted("{s0}", not_by=dead)


async def test_changes_go_on_after_a_primary_of_a_cluster_is_killed(
    own_postgres: EmbeddedPostgres, cluster: LocalCluster
) -> None:
    with _instances(own_postgres, cluster.url, STORE_SHARDS="8") as deployment:
        run = await run_with_fault(deployment, lambda: _kill_a_primary(cluster))
        assert run.log.statuses(since=run.fault_began_at)[200]
