"""`check-redis` checks every server of a cluster, and Sentinels."""

from collections.abc import Iterator
from typing import Any

import pytest

from infra.local.redis_cluster import LocalCluster, local_cluster
from infra.local.redis_sentinel import SENTINEL_USER, LocalSentinels, local_sentinels
from infra.local.redis_tls import tls_redis
from tests.infra.checks.check_runner import checks_by_script, run_checks

_SHARDS = "12"


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    """A cluster of six nodes; every test repairs what it broke."""
    with local_cluster() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def sentinels() -> Iterator[LocalSentinels]:
    """A primary, a replica and three Sentinels."""
    with local_sentinels() as servers:
        yield servers


def check_cluster(cluster: LocalCluster, shards: str = _SHARDS) -> tuple[int, dict[str, Any]]:
    """Check the cluster; return the exit code and the checks by name."""
    return run_checks("check-redis", REDIS_URL=cluster.all_urls, STORE_SHARDS=shards)


def test_a_healthy_cluster_passes_every_check(cluster: LocalCluster) -> None:
    code, checks = check_cluster(cluster)
    assert (code, list(checks)[-3:]) == (0, ["server", "shards", "cluster"]), checks
    assert checks["shards"]["message"] == "12 of 12 take writes"
    assert checks["cluster"]["message"] == "3 primaries serve all slots"
    assert checks["server"]["message"].count("noeviction") == 3


def test_harmful_cluster_settings_get_advice(cluster: LocalCluster) -> None:
    for node in cluster.nodes:
        node.ask("CONFIG", "SET", "cluster-require-full-coverage", "yes")
    try:
        code, checks = check_cluster(cluster, shards="1")
    finally:
        for node in cluster.nodes:
            node.ask("CONFIG", "SET", "cluster-require-full-coverage", "no")
    assert code == 0
    message = checks["cluster"]["message"]
    assert "SET cluster-require-full-coverage no" in message
    assert "STORE_SHARDS=1 USES ONLY 1 of them" in message


def test_a_user_with_only_the_rights_of_the_service_passes_every_check(
    cluster: LocalCluster,
) -> None:
    rights = (
        "~{s*",
        "&{s*",
        *(f"+@{name}" for name in ("read", "write", "stream", "scripting", "pubsub", "connection")),
        "+time",
        "+cluster|slots",
    )
    for node in cluster.nodes:
        node.ask("ACL", "SETUSER", "narrow", "on", ">secret", *rights)
    url = cluster.all_urls.replace("redis://", "redis://narrow:secret@")
    code, checks = run_checks("check-redis", REDIS_URL=url, STORE_SHARDS=_SHARDS)
    assert code == 0, checks
    assert "INFO is refused" in checks["server"]["message"]
    assert checks["cluster"]["message"] == "3 primaries serve all slots"


def test_a_primary_with_an_evicting_policy_is_named(cluster: LocalCluster) -> None:
    node = cluster.owner_of("{s0}")
    node.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    try:
        code, checks = check_cluster(cluster)
    finally:
        node.ask("CONFIG", "SET", "maxmemory-policy", "noeviction")
    assert code == 1
    assert [name for name, check in checks.items() if not check["ok"]] == ["server"]
    assert f":{node.port}: maxmemory-policy is allkeys-lru" in checks["server"]["message"]


def test_a_primary_without_replica_is_a_warning_and_its_loss_a_fault(
    cluster: LocalCluster,
) -> None:
    primary = cluster.owner_of("{s0}")
    replica = cluster.replica_of(primary)
    cluster.kill(replica)
    try:
        cluster.wait_until_noticed(replica)
        code, checks = check_cluster(cluster)
        assert code == 0
        assert f"NO REPLICA of 127.0.0.1:{primary.port}:" in checks["cluster"]["message"]
        cluster.kill(primary)
        cluster.wait_until_noticed(primary)
        code, checks = check_cluster(cluster)
    finally:
        for node in (primary, replica):
            node.process.kill()
            node.process.start()
        cluster.wait_until_healthy()
    assert code == 1
    assert "slots have no living node" in checks["cluster"]["message"]
    assert "of 12 take no writes ({s0}, " in checks["shards"]["message"]
    assert "can't be reached" in checks["shards"]["message"]


def test_sentinels_that_can_order_a_failover_pass_every_check(sentinels: LocalSentinels) -> None:
    code, checks = run_checks("check-redis", REDIS_URL=sentinels.url)
    assert (code, list(checks)[-2:]) == (0, ["shards", "sentinel"]), checks
    assert checks["sentinel"]["message"] == "OK 3 usable Sentinels, 1 replicas"


def test_a_missing_sentinel_is_a_warning_and_a_missing_majority_a_fault(
    sentinels: LocalSentinels,
) -> None:
    _, second, third = sentinels.sentinels
    try:
        third.process.kill()
        code, checks = run_checks("check-redis", REDIS_URL=sentinels.url)
        assert code == 0
        assert checks["sentinel"]["message"].endswith(f"; NO ANSWER from 127.0.0.1:{third.port}")
        second.process.kill()
        sentinels.wait_until_no_quorum()
        code, checks = run_checks("check-redis", REDIS_URL=sentinels.url)
    finally:
        for sentinel in (second, third):
            sentinel.process.kill()
            sentinel.process.start()
        sentinels.wait_until_healthy()
    assert code == 1
    assert [name for name, check in checks.items() if not check["ok"]] == ["sentinel"]
    assert "can't order a failover" in checks["sentinel"]["message"]


def test_a_replica_that_is_down_is_reported(sentinels: LocalSentinels) -> None:
    replica = next(node for node in sentinels.data if node is not sentinels.primary)
    replica.process.kill()
    try:
        sentinels.wait_until_noticed(replica)
        code, checks = run_checks("check-redis", REDIS_URL=sentinels.url)
    finally:
        sentinels.restart(replica)
    assert code == 0
    assert "NO REPLICA is in sync" in checks["sentinel"]["message"]


def test_a_wrong_sentinel_password_is_reported_but_not_shown(sentinels: LocalSentinels) -> None:
    code, checks = run_checks(
        "check-redis", REDIS_URL=sentinels.url.replace(SENTINEL_USER[1], "a-wrong-one")
    )
    assert code == 1
    assert "password" in checks["sentinel"]["message"]
    assert "a-wrong-one" not in str(checks)


def test_a_private_certificate_authority_is_trusted_if_the_url_names_it() -> None:
    with tls_redis() as server:
        code, checks = checks_by_script(
            "check-redis", REDIS_URL=f"{server.url}?ssl_ca_certs={server.ca_file}"
        )
        assert code == 0, checks
        code, checks = run_checks("check-redis", REDIS_URL=server.url)
    assert code == 1
    assert "add ?ssl_ca_certs=" in checks["ping"]["message"]
