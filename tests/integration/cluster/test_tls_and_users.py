"""TLS with an authority of one's own, and users with a password."""

from collections.abc import Iterator

import pytest

from infra.local.redis_tls import USER, TlsRedis, tls_redis
from shared.errors import StoreUnavailable
from shared.store.redis import NativeConnection


@pytest.fixture(scope="module")
def server() -> Iterator[TlsRedis]:
    """One with a certificate of an authority that nobody knows, and one user."""
    with tls_redis() as server:
        yield server


async def test_an_authority_of_one_s_own_is_trusted_where_it_is_named(server: TlsRedis) -> None:
    connection = NativeConnection(f"{server.url}?ssl_ca_certs={server.ca_file}")
    large = b"v" * 100_000
    assert await connection.ask([("SET", "key", large), ("GET", "key")]) == [b"OK", large]
    await connection.close()


async def test_pushes_are_heard_over_tls(server: TlsRedis) -> None:
    connection = NativeConnection(f"{server.url}?ssl_ca_certs={server.ca_file}")
    client = await connection.subscriber()
    async with client.pubsub() as pubsub:
        await pubsub.subscribe("channel")
        await pubsub.get_message(timeout=1)
        await connection.publish("channel")
        assert (await pubsub.get_message(timeout=1) or {})["type"] == "message"
    await client.aclose()
    await connection.close()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda url, ca: url, "certificate verify failed"),
        (lambda url, ca: url.replace(USER[1], "wrong") + f"?ssl_ca_certs={ca}", "WRONGPASS"),
        (lambda url, ca: url.replace(":".join(USER) + "@", "") + f"?ssl_ca_certs={ca}", "NOAUTH"),
    ],
    ids=["an unknown authority", "a wrong password", "no user"],
)
async def test_who_is_not_trusted_or_not_known_is_an_outage_that_says_why(
    server: TlsRedis, change: object, reason: str
) -> None:
    assert callable(change)
    connection = NativeConnection(change(server.url, server.ca_file))
    with pytest.raises(StoreUnavailable) as raised:
        await connection.ask([("GET", "key")])
    assert reason in str(raised.value.__cause__)
    await connection.close()
