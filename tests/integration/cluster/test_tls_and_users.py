"""TLS with an authority of one's own, and users with a password."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.redis import embedded_redis
from infra.local.redis_tls import USER, TlsRedis, tls_redis
from shared.domain.units import Millis
from shared.errors import StoreUnavailable
from shared.ports import Committed, Limit
from tests.integration.cluster.conftest import KEYS, Shelf
from tests.integration.cluster.hearing import assert_heard
from tests.integration.store.commits import new_session, writing
from tests.support.native_redis import connection_to

_LIMIT = Limit("caller:alice", 4, Millis(1_000))


@pytest.fixture(scope="module")
def server() -> Iterator[TlsRedis]:
    """One with a certificate of an authority that nobody knows, and one user."""
    with tls_redis() as server:
        yield server


async def test_an_authority_of_one_s_own_is_trusted_where_it_is_named(server: TlsRedis) -> None:
    connection = connection_to(f"{server.url}?ssl_ca_certs={server.ca_file}")
    large = b"v" * 100_000
    assert await connection.ask([("SET", "key", large), ("GET", "key")]) == [b"OK", large]
    await connection.close()


async def test_pushes_are_heard_over_tls(server: TlsRedis) -> None:
    connection = connection_to(f"{server.url}?ssl_ca_certs={server.ca_file}")
    await assert_heard(connection, "channel")
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
    connection = connection_to(change(server.url, server.ca_file))
    with pytest.raises(StoreUnavailable) as raised:
        await connection.ask([("GET", "key")])
    assert reason in str(raised.value.__cause__)
    await connection.close()


_RIGHTS = "~{s* &{s* +@read +@write +@stream +@scripting +@pubsub +@connection +time"


async def test_a_user_with_the_rights_that_are_documented_can_do_everything() -> None:
    with embedded_redis(f"user service on >pass%word {_RIGHTS}") as url:
        connection = connection_to(url.replace("://", "://service:pass%25word@"))
        shelf = Shelf(connection)
        change = new_session()
        assert await shelf.store.commit(writing(change)) == Committed()
        assert (await shelf.store.load(change.session.name, limits=[_LIMIT])).quotas
        assert len(await shelf.store.agendas(10)) == len(KEYS.all_shards)
        assert (await shelf.store.census()).live_sessions == 1
        taken = await shelf.outbox.take("worker", 10, 1_000_000)
        await shelf.outbox.settle(taken)
        assert await shelf.memory.lost() == KEYS.all_shards
        await shelf.memory.begin_recovery("me", KEYS.all_shards)
        await shelf.memory.end_recovery("me", KEYS.all_shards)
        await shelf.owed.add(change.session.name)
        assert (await shelf.owed.take(10)).next_in_ms
        await assert_heard(connection, KEYS.echo_channel("x"))
        await connection.close()


async def test_a_primary_that_lacks_replicas_is_read_and_later_changed() -> None:
    with embedded_redis("min-replicas-to-write 1") as url:
        connection = connection_to(url)
        shelf, change = Shelf(connection), new_session()
        with pytest.raises(StoreUnavailable) as raised:
            await shelf.store.commit(writing(change))
        assert "NOREPLICAS" in str(raised.value.__cause__)
        assert (await shelf.store.load(change.session.name)).stored is None
        changing = asyncio.create_task(shelf.store.commit(writing(change)))
        await asyncio.sleep(0.2)
        await connection.ask([("CONFIG", "SET", "min-replicas-to-write", 0)])
        assert await changing == Committed()
        await connection.close()


async def test_a_socket_of_the_same_machine_is_a_way_too(tmp_path: Path) -> None:
    with embedded_redis(f"unixsocket {tmp_path}/s", "unixsocketperm 700"):
        connection = connection_to(f"unix://{tmp_path}/s?db=2")
        assert await connection.ask([("SET", "key", "v"), ("GET", "key")]) == [b"OK", b"v"]
        await assert_heard(connection, "channel")
        await connection.close()
