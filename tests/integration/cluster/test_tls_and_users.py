"""Redis over TLS with a private CA, with users and passwords, and over a Unix socket."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.redis import embedded_redis
from infra.local.redis_tls import USER, TlsRedis, tls_redis
from shared.application.errors import StoreUnavailable
from shared.application.ports.commit import Committed
from shared.application.ports.rate_limit import RateLimit
from shared.domain.units import Millis
from tests.integration.cluster.conftest import KEYS, StoreParts
from tests.integration.cluster.hearing import assert_delivered
from tests.integration.store.commits import commit_for, new_session
from tests.support.native_redis import connection_to

_LIMIT = RateLimit("caller:alice", 4, Millis(1_000))


@pytest.fixture(scope="module")
def server() -> Iterator[TlsRedis]:
    """A Redis with a certificate of a private CA and one user."""
    with tls_redis() as server:
        yield server


async def test_a_private_ca_is_trusted_when_the_url_names_it(server: TlsRedis) -> None:
    connection = connection_to(f"{server.url}?ssl_ca_certs={server.ca_file}")
    large = b"v" * 100_000
    assert await connection.ask([("SET", "key", large), ("GET", "key")]) == [b"OK", large]
    await connection.close()


async def test_published_messages_arrive_over_tls(server: TlsRedis) -> None:
    connection = connection_to(f"{server.url}?ssl_ca_certs={server.ca_file}")
    await assert_delivered(connection, "channel")
    await connection.close()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda url, ca: url, "certificate verify failed"),
        (lambda url, ca: url.replace(USER[1], "wrong") + f"?ssl_ca_certs={ca}", "WRONGPASS"),
        (lambda url, ca: url.replace(":".join(USER) + "@", "") + f"?ssl_ca_certs={ca}", "NOAUTH"),
    ],
    ids=["unknown CA", "wrong password", "no user"],
)
async def test_failed_tls_or_authentication_is_an_outage_with_its_reason(
    server: TlsRedis, change: object, reason: str
) -> None:
    assert callable(change)
    connection = connection_to(change(server.url, server.ca_file))
    with pytest.raises(StoreUnavailable) as raised:
        await connection.ask([("GET", "key")])
    assert reason in str(raised.value.__cause__)
    await connection.close()


_DOCUMENTED_RIGHTS = "~{s* &{s* +@read +@write +@stream +@scripting +@pubsub +@connection +time"


async def test_a_user_with_the_documented_rights_can_do_everything() -> None:
    with embedded_redis(f"user service on >pass%word {_DOCUMENTED_RIGHTS}") as url:
        connection = connection_to(url.replace("://", "://service:pass%25word@"))
        parts = StoreParts(connection)
        change = new_session()
        assert await parts.store.commit(commit_for(change)) == Committed()
        assert (await parts.store.load(change.session.name, limits=[_LIMIT])).quotas
        assert len(await parts.store.due_wakeups(10)) == len(KEYS.all_shards)
        assert (await parts.store.statistics()).live_sessions == 1
        taken = await parts.outbox.take("worker", 10, 1_000_000)
        await parts.outbox.settle(taken)
        assert await parts.memory.lost() == KEYS.all_shards
        await parts.memory.begin_recovery("me", KEYS.all_shards)
        await parts.memory.end_recovery("me", KEYS.all_shards)
        await parts.owed.add(change.session.name)
        assert (await parts.owed.take(10)).next_in_ms
        await assert_delivered(connection, KEYS.self_check_channel("x"))
        await connection.close()


async def test_a_primary_without_enough_replicas_is_readable_and_writes_are_retried() -> None:
    with embedded_redis("min-replicas-to-write 1") as url:
        connection = connection_to(url)
        parts, change = StoreParts(connection), new_session()
        with pytest.raises(StoreUnavailable) as raised:
            await parts.store.commit(commit_for(change))
        assert "NOREPLICAS" in str(raised.value.__cause__)
        assert (await parts.store.load(change.session.name)).stored is None
        changing = asyncio.create_task(parts.store.commit(commit_for(change)))
        await asyncio.sleep(0.2)
        await connection.ask([("CONFIG", "SET", "min-replicas-to-write", 0)])
        assert await changing == Committed()
        await connection.close()


async def test_a_unix_socket_works(tmp_path: Path) -> None:
    with embedded_redis(f"unixsocket {tmp_path}/s", "unixsocketperm 700"):
        connection = connection_to(f"unix://{tmp_path}/s?db=2")
        assert await connection.ask([("SET", "key", "v"), ("GET", "key")]) == [b"OK", b"v"]
        await assert_delivered(connection, "channel")
        await connection.close()
