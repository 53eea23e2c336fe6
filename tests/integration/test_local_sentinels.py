"""The local Redis Sentinels for tests fail over and check users as real ones do."""

from collections.abc import Iterator

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoPermissionError
from redis.retry import Retry

from infra.local.redis_sentinel import SENTINEL_USER, USER, LocalSentinels, local_sentinels


@pytest.fixture(scope="module")
def servers() -> Iterator[LocalSentinels]:
    """A primary, a replica and three Sentinels."""
    with local_sentinels() as servers:
        yield servers


def client(port: int, user: tuple[str, str] | None) -> Redis:
    """Return a client of one server; the caller closes it."""
    name, password = user or (None, None)
    return Redis(port=port, username=name, password=password, retry=Retry(NoBackoff(), 0))


def test_the_replica_replaces_a_killed_primary_and_keeps_the_data(
    servers: LocalSentinels,
) -> None:
    with client(servers.primary.port, USER) as primary:
        primary.set("key", "value")
        assert primary.wait(1, 1000) == 1
    dead = servers.fail_over()
    with client(servers.primary.port, USER) as promoted:
        assert promoted.get("key") == b"value"
        assert servers.primary is not dead
    servers.restart(dead)
    with client(dead.port, USER) as replica:
        assert replica.get("key") == b"value"


def test_data_nodes_and_sentinels_each_require_their_own_user(servers: LocalSentinels) -> None:
    for node, own, others in (
        (servers.primary, USER, SENTINEL_USER),
        (servers.sentinels[0], SENTINEL_USER, USER),
    ):
        with client(node.port, own) as valid:
            assert valid.ping()
        with client(node.port, others) as wrong, pytest.raises(AuthenticationError):
            wrong.ping()
        with client(node.port, None) as anonymous, pytest.raises(AuthenticationError):
            anonymous.ping()


def test_the_services_user_has_no_admin_permissions(servers: LocalSentinels) -> None:
    with client(servers.primary.port, USER) as user, pytest.raises(NoPermissionError):
        user.flushall()
