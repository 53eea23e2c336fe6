"""The local Redis Cluster for tests fails over and migrates slots as a real one does."""

from collections.abc import Iterator

import pytest
from redis.exceptions import AskError, MovedError

from infra.local.redis_cluster import LocalCluster, local_cluster

_TAGS = [f"{{s{n}}}" for n in range(12)]


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    """A cluster of six nodes with one key per shard."""
    with local_cluster() as cluster:
        with cluster.client() as client:
            for tag in _TAGS:
                client.set(f"{tag}:key", tag)
        yield cluster


@pytest.fixture(autouse=True)
def keeps_all_keys(cluster: LocalCluster) -> Iterator[None]:
    """Check after each test that no key is lost and all six nodes run."""
    yield
    cluster.wait_until_healthy()
    with cluster.client() as client:
        assert [client.get(f"{tag}:key") for tag in _TAGS] == [tag.encode() for tag in _TAGS]


def test_the_shards_are_spread_over_three_primaries_with_a_replica_each(
    cluster: LocalCluster,
) -> None:
    owners = {cluster.owner_of(tag).port for tag in _TAGS}
    replicas = {cluster.replica_of(cluster.owner_of(tag)).port for tag in _TAGS}
    assert (len(owners), len(replicas), len(owners | replicas)) == (3, 3, 6)


def test_a_replica_replaces_its_killed_primary_which_returns_as_a_replica(
    cluster: LocalCluster,
) -> None:
    replica = cluster.replica_of(cluster.owner_of("{s0}"))
    dead = cluster.fail_over("{s0}")
    assert not dead.process.is_running
    assert cluster.owner_of("{s0}") is replica
    cluster.restart(dead)
    assert cluster.replica_of(replica) is dead


def test_a_primary_hands_over_to_its_replica(cluster: LocalCluster) -> None:
    replica = cluster.replica_of(cluster.owner_of("{s1}"))
    former = cluster.planned_failover("{s1}")
    assert cluster.owner_of("{s1}") is replica is not former


def test_a_slot_being_migrated_answers_ask_and_then_moved(cluster: LocalCluster) -> None:
    source = cluster.owner_of("{s2}")
    target = next(o for o in map(cluster.owner_of, _TAGS) if o is not source)
    with cluster.migrating("{s2}", target):
        with pytest.raises(AskError):
            source.ask("GET", "{s2}:not-there")
        assert cluster.owner_of("{s2}") is source
    assert cluster.owner_of("{s2}") is target
    with pytest.raises(MovedError):
        source.ask("GET", "{s2}:key")


def test_slots_can_be_migrated_one_right_after_the_other(cluster: LocalCluster) -> None:
    for tag in 5 * _TAGS:
        source = cluster.owner_of(tag)
        target = next(o for o in map(cluster.owner_of, _TAGS) if o is not source)
        cluster.migrate(tag, target)
        assert cluster.owner_of(tag) is target
