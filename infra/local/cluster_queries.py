"""Queries about a cluster as one of its nodes sees it."""

from infra.local.redis_node import RedisNode

_MIGRATE_TIMEOUT_MS = 5_000


def knows(node: RedisNode, node_id: str) -> bool:
    """Return whether `node` knows the node with id `node_id`."""
    return node_id in (node.says("CLUSTER", "NODES") or "")


def marks_as_failed(node: RedisNode, node_id: str) -> bool:
    """Return whether `node` marks `node_id` as failed, which needs a majority (flag `fail`)."""
    entry = _entry(node, node_id)
    return bool(entry) and "fail" in entry[2].split(",")


def is_replica_of(node: RedisNode, primary: RedisNode) -> bool:
    """Return whether `node` replicates `primary`."""
    return node.info("replication").get("master_port") == str(primary.port)


def slot_owner_port(node: RedisNode, slot: int) -> int | None:
    """Return the port of the owner of `slot`, as `node` sees it; None if it knows none."""
    for first, last, primary, *_ in node.says("CLUSTER", "SLOTS") or ():
        if first <= slot <= last:
            return int(primary[1])
    return None


def config_epoch(node: RedisNode, node_id: str) -> int | None:
    """Return the config epoch of `node_id`, as `node` knows it; None if it doesn't know that node.

    Of two primaries that claim a slot, the one with the higher epoch has it.
    """
    entry = _entry(node, node_id)
    return int(entry[6]) if entry else None


def cluster_view(node: RedisNode) -> object:
    """Return slot ranges, primaries and replicas, as `node` sees them; None if incomplete."""
    if "cluster_state:ok" not in (node.says("CLUSTER", "INFO") or ""):
        return None
    view = sorted(
        (first, last, primary[1], sorted(replica[1] for replica in replicas))
        for first, last, primary, *replicas in node.says("CLUSTER", "SLOTS") or ()
    )
    return view if all(replicas for *_, replicas in view) else None


def move_keys(source: RedisNode, target: RedisNode, slot: int, count: int) -> None:
    """Move `count` keys of `slot` to `target`."""
    keys = source.ask("CLUSTER", "GETKEYSINSLOT", slot, count) if count else []
    if keys:
        where = ("127.0.0.1", target.port, "", 0, _MIGRATE_TIMEOUT_MS)
        source.ask("MIGRATE", *where, "KEYS", *keys)


def _entry(node: RedisNode, node_id: str) -> list[str]:
    """Return the fields of `node_id` in the reply of `node` to CLUSTER NODES; none if unknown."""
    lines = (node.says("CLUSTER", "NODES") or "").splitlines()
    return next((line.split() for line in lines if line.startswith(node_id)), [])
