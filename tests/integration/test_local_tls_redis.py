"""The local TLS Redis for tests requires its own certificate authority and a user."""

from collections.abc import Iterator

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

from infra.local.redis_tls import TlsRedis, tls_redis

_NO_RETRY = Retry(NoBackoff(), 0)


@pytest.fixture(scope="module")
def server() -> Iterator[TlsRedis]:
    """A Redis whose certificate is from a private authority."""
    with tls_redis() as server:
        yield server


def test_a_client_that_trusts_the_authority_can_read_and_write(server: TlsRedis) -> None:
    with Redis.from_url(server.url, ssl_ca_certs=str(server.ca_file), retry=_NO_RETRY) as redis:
        assert redis.set("key", "v" * 100_000)
        assert redis.get("key") == b"v" * 100_000


def test_a_client_that_trusts_only_public_authorities_cannot_connect(server: TlsRedis) -> None:
    with (
        Redis.from_url(server.url, retry=_NO_RETRY) as redis,
        pytest.raises(RedisConnectionError) as failure,
    ):
        redis.ping()
    assert "certificate verify failed" in str(failure.value)


def test_a_client_without_the_user_is_refused(server: TlsRedis) -> None:
    url = f"rediss://127.0.0.1:{server.port}/0"
    with (
        Redis.from_url(url, ssl_ca_certs=str(server.ca_file), retry=_NO_RETRY) as redis,
        pytest.raises(AuthenticationError),
    ):
        redis.ping()
