"""The Sentinels that tests run on do what Redis Sentinels do."""

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
    """A client of one server; the caller closes it."""
    name, password = user or (None, None)
    return Redis(port=port, username=name, password=password, retry=Retry(NoBackoff(), 0))


def test_the_replica_takes_the_place_of_a_killed_primary_with_all_that_was_written(
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


def test_data_nodes_and_sentinels_ask_for_a_user_each_of_its_own(servers: LocalSentinels) -> None:
    for node, its, others in (
        (servers.primary, USER, SENTINEL_USER),
        (servers.sentinels[0], SENTINEL_USER, USER),
    ):
        with client(node.port, its) as known:
            assert known.ping()
        with client(node.port, others) as wrong, pytest.raises(AuthenticationError):
            wrong.ping()
        with client(node.port, None) as nobody, pytest.raises(AuthenticationError):
            nobody.ping()


def test_the_user_of_the_service_may_not_administer(servers: LocalSentinels) -> None:
    with client(servers.primary.port, USER) as user, pytest.raises(NoPermissionError):
        user.flushall()
