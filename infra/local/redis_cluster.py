"""Valkey Cluster on loopback: three primaries, each with a replica."""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from redis import RedisCluster
from redis.crc import key_slot

from infra.local.cluster_queries import (
    cluster_view,
    config_epoch,
    is_replica_of,
    knows,
    marks_as_failed,
    move_keys,
    slot_owner_port,
)
from infra.local.ports import free_port
from infra.local.redis_node import RedisNode, WaitTimeout, wait_until

_SLOTS = 16_384
_PRIMARIES = 3
_NODE_TIMEOUT_MS = 1_000
"""A node counts as failed after this time without an answer; its replica is promoted about 1 s
later (the election takes 0.5 s to 1 s)."""


class ClusterNode(RedisNode):
    """A node of a cluster. It keeps its id when it is killed and started again."""

    def __init__(self, folder: Path, settings: Sequence[str]) -> None:
        bus_port = free_port()
        node_settings = (
            "cluster-enabled yes",
            "cluster-config-file nodes.conf",
            f"cluster-port {bus_port}",
            f"cluster-node-timeout {_NODE_TIMEOUT_MS}",
            "cluster-announce-ip 127.0.0.1",
            "cluster-replica-validity-factor 0",
            "cluster-require-full-coverage no",
            "repl-diskless-sync-delay 0",
        )
        super().__init__(folder, free_port(), [*node_settings, *settings])
        self.meet_arguments = ("127.0.0.1", self.port, bus_port)
        """Arguments of CLUSTER MEET."""
        self.id = ""


class LocalCluster:
    """Six nodes. All methods block; those that wait raise `WaitTimeout` after 20 s."""

    def __init__(self, folder: Path, settings: Sequence[str]) -> None:
        self.nodes = [ClusterNode(folder / str(n), settings) for n in range(2 * _PRIMARIES)]

    @property
    def url(self) -> str:
        """URL of one node; clients discover the others through it."""
        return self.nodes[0].process.url

    @property
    def all_urls(self) -> str:
        """URL with all nodes, for clients that connect while a node is down."""
        return f"redis://{','.join(f'127.0.0.1:{node.port}' for node in self.nodes)}/0"

    def create(self) -> None:
        """Start the nodes and form a replicated cluster that accepts writes."""
        for node in self.nodes:
            node.process.launch()
        for node in self.nodes:
            node.process.wait_until_ready()
            node.id = node.ask("CLUSTER", "MYID")
        first, primaries = self.nodes[0], self.nodes[:_PRIMARIES]
        bounds = [_SLOTS * n // _PRIMARIES for n in range(_PRIMARIES + 1)]
        for n, node in enumerate(primaries):
            node.ask("CLUSTER", "ADDSLOTSRANGE", bounds[n], bounds[n + 1] - 1)
            node.ask("CLUSTER", "SET-CONFIG-EPOCH", n + 1)
        for node in self.nodes[1:]:
            first.ask("CLUSTER", "MEET", *node.meet_arguments)
        for primary, replica in zip(primaries, self.nodes[_PRIMARIES:], strict=True):
            self._wait_until(partial(knows, replica, primary.id), "a replica knows its primary")
            replica.ask("CLUSTER", "REPLICATE", primary.id)
        self.wait_until_healthy()

    def wait_until_healthy(self) -> None:
        """Wait until all nodes run and agree on slots and replicas, and replicas are in sync."""
        self._wait_until(self._is_healthy, "all nodes agree and every replica is in sync")

    def owner_of(self, tag: str) -> ClusterNode:
        """Ask the nodes for the running primary that owns the slot of `tag`, such as `{s3}`.

        Raises `WaitTimeout` if no running node owns it.
        """
        owner = self._owner_of(key_slot(tag.encode()))
        if owner is None:
            raise WaitTimeout(f"No running node owns the slot of {tag}.")
        return owner

    def replica_of(self, node: ClusterNode) -> ClusterNode:
        """Return the running replica of a primary. Raises `WaitTimeout` if there is none."""
        replicas = [n for n in self._running_nodes() if is_replica_of(n, node)]
        if not replicas:
            raise WaitTimeout(f"Node {node.port} has no running replica.")
        return replicas[0]

    def kill(self, node: ClusterNode) -> None:
        """Kill a node (SIGKILL) and return at once."""
        node.process.kill()

    def kill_without_replication(self, node: ClusterNode, seconds: float) -> None:
        """Kill a primary after `seconds` (less than 1) without replication.

        Writes that it acknowledged in that time are lost, because its replica doesn't have them.
        """
        replica = self.replica_of(node)
        replica.process.suspend()
        try:
            node.ask("CLIENT", "KILL", "TYPE", "replica")
            time.sleep(seconds)
            self.kill(node)
        finally:
            replica.process.resume()

    @contextmanager
    def primary_suspended(self, tag: str) -> Iterator[ClusterNode]:
        """Suspend the primary of `tag` for the block, without a failover."""
        node = self.owner_of(tag)
        with self.failover_off(self.replica_of(node)):
            node.process.suspend()
            try:
                yield node
            finally:
                node.process.resume()

    @contextmanager
    def failover_off(self, *replicas: ClusterNode) -> Iterator[None]:
        """Keep `replicas` (default: all nodes) from being promoted during the block.

        A machine that stands still for seconds makes a primary look dead, and a promotion then
        loses the writes that were not replicated.
        """
        nodes = replicas or self.nodes
        for node in nodes:
            node.ask("CONFIG", "SET", "cluster-replica-no-failover", "yes")
        try:
            yield
        finally:
            for node in nodes:
                node.ask("CONFIG", "SET", "cluster-replica-no-failover", "no")

    def wait_until_noticed(self, node: ClusterNode) -> None:
        """Wait until all running nodes mark a killed node as failed."""
        self._wait_until(
            lambda: all(marks_as_failed(one, node.id) for one in self._running_nodes()),
            "a killed node is marked as failed",
        )

    def wait_until_promoted(self, tag: str, *, not_by: ClusterNode) -> ClusterNode:
        """Wait until all running nodes name a primary of `tag` other than `not_by`; return it."""

        def is_owned() -> bool:
            owner = self._owner_of(slot)
            return owner is not None and owner is not not_by and self._all_agree_on(owner, slot)

        slot = key_slot(tag.encode())
        self._wait_until(is_owned, f"a replica is promoted for {tag}")
        return self.owner_of(tag)

    def fail_over(self, tag: str) -> ClusterNode:
        """Kill the primary of `tag`, wait until its replica is promoted, return the killed node."""
        dead = self.owner_of(tag)
        self.kill(dead)
        self.wait_until_promoted(tag, not_by=dead)
        return dead

    def planned_failover(self, tag: str) -> ClusterNode:
        """Make the replica of `tag`'s primary the primary without data loss (CLUSTER FAILOVER).

        Returns the former primary, which is now the replica.
        """
        former = self.owner_of(tag)
        self.replica_of(former).ask("CLUSTER", "FAILOVER")
        self.wait_until_promoted(tag, not_by=former)
        return former

    def restart(self, node: ClusterNode) -> None:
        """Start a node that was killed and wait until the cluster is healthy."""
        node.process.start()
        self.wait_until_healthy()

    def migrate(self, tag: str, target: ClusterNode) -> None:
        """Move the slot of `tag` to another primary while clients continue."""
        with self.migrating(tag, target):
            pass

    @contextmanager
    def migrating(self, tag: str, target: ClusterNode) -> Iterator[None]:
        """Migrate like `migrate`, and run the block halfway through.

        During the block half of the keys have moved. The source answers commands for moved keys
        with ASK, and commands for keys on both nodes with TRYAGAIN.
        """
        slot, source = key_slot(tag.encode()), self.owner_of(tag)
        target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id)
        source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", target.id)
        move_keys(source, target, slot, source.ask("CLUSTER", "COUNTKEYSINSLOT", slot) // 2)
        yield
        while count := source.ask("CLUSTER", "COUNTKEYSINSLOT", slot):
            move_keys(source, target, slot, count)
        for node in (target, source, *self._primaries()):
            node.ask("CLUSTER", "SETSLOT", slot, "NODE", target.id)
        self._wait_until(
            lambda: self._all_agree_on(target, slot), f"all nodes know that {tag} has moved"
        )

    def client(self) -> RedisCluster:
        """Return a cluster client; the caller closes it."""
        port = self._running_nodes()[0].port
        return RedisCluster(host="127.0.0.1", port=port, socket_timeout=2.0)

    def close(self) -> None:
        """Kill every node."""
        for node in self.nodes:
            node.close()

    def _wait_until(self, condition: Callable[[], bool], what: str) -> None:
        wait_until(condition, what, self._description)

    def _description(self) -> str:
        """Return what each node knows of the others, for error messages."""
        return "\n".join(
            f"node {node.port}, running: {node.process.is_running}\n{node.says('CLUSTER', 'NODES')}"
            for node in self.nodes
        )

    def _running_nodes(self) -> list[ClusterNode]:
        return [node for node in self.nodes if node.process.is_running]

    def _primaries(self) -> list[ClusterNode]:
        return [n for n in self._running_nodes() if n.info("replication").get("role") == "master"]

    def _owner_of(self, slot: int) -> ClusterNode | None:
        """Return the running node that claims `slot` for itself."""
        return next((n for n in self._running_nodes() if slot_owner_port(n, slot) == n.port), None)

    def _all_agree_on(self, owner: ClusterNode, slot: int) -> bool:
        """Whether all nodes know `owner` as that of `slot`, and its config epoch.

        A node that doesn't know the highest epoch would take the next slot with a lower one, and
        lose it to an earlier message of the node that it has it from.
        """
        epoch = config_epoch(owner, owner.id)
        return all(
            slot_owner_port(node, slot) == owner.port and config_epoch(node, owner.id) == epoch
            for node in self._running_nodes()
        )

    def _is_healthy(self) -> bool:
        views = [cluster_view(node) for node in self.nodes]
        return bool(views[0]) and all(v == views[0] for v in views) and self._is_replicated()

    def _is_replicated(self) -> bool:
        roles = [node.info("replication") for node in self.nodes]
        in_sync = [role for role in roles if role.get("master_link_status") == "up"]
        full = [role for role in roles if role.get("connected_slaves") == "1"]
        return len(in_sync) == len(full) == _PRIMARIES


@contextmanager
def local_cluster(*settings: str) -> Iterator[LocalCluster]:
    """Start a cluster and stop it after the block. `settings` are lines of every node's
    configuration file."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        cluster = LocalCluster(Path(folder), settings)
        try:
            cluster.create()
            yield cluster
        finally:
            cluster.close()
