"""Revocations of tokens in the store, and the check in the load of a session."""

from collections.abc import Awaitable, Callable

import pytest
from redis.asyncio import Redis

from shared.application.ports.session_store import SessionStore
from shared.application.ports.token_revocations import SessionToken
from shared.domain.units import Instant
from shared.store.connection import StoreConnection
from shared.store.keys import StoreKeys
from shared.store.token_revocations import RedisTokenRevocations

NAME = "a-tenant:5a7f9a52-6a2c-4d0c-9a38-0f1f4c3b7d10"
TOKEN = SessionToken(NAME, "an-id", issued_at=Instant(1))


@pytest.fixture
def revocations(
    connection: StoreConnection, keys: StoreKeys, monkeypatch: pytest.MonkeyPatch
) -> RedisTokenRevocations:
    """The revocations under test, of at most three tokens of a session."""
    monkeypatch.setattr("shared.store.token_revocations._MOST_IDS", 3)
    return RedisTokenRevocations(connection, keys)


async def test_a_load_checks_the_token_with_the_session(
    store: SessionStore, revocations: RedisTokenRevocations
) -> None:
    other = SessionToken(NAME, "another-id", issued_at=Instant(1))
    assert await revocations.revoke(NAME, "an-id")
    for token, is_revoked in ((TOKEN, True), (other, False), (SessionToken(NAME), False)):
        assert (await store.load(NAME, token=token)).is_revoked is is_revoked
        assert (await store.load_many(["another", NAME], token=token)).is_revoked is is_revoked
        assert await revocations.is_revoked(token) is is_revoked
    assert not (await store.load(NAME)).is_revoked


async def test_a_revocation_of_all_covers_what_was_issued_until_then(
    revocations: RedisTokenRevocations,
) -> None:
    assert await revocations.all_revoked_at(NAME) is None
    assert await revocations.revoke(NAME, None)
    revoked_at = await revocations.all_revoked_at(NAME)
    assert revoked_at is not None
    assert await revocations.is_revoked(TOKEN)
    assert await revocations.is_revoked(SessionToken(NAME))
    later = SessionToken(NAME, "an-id", issued_at=Instant(revoked_at + 1))
    assert not await revocations.is_revoked(later)
    await revocations.revoke(NAME, "an-id")
    assert await revocations.is_revoked(later)


async def test_the_tokens_revoked_one_by_one_are_limited_until_all_are_revoked(
    revocations: RedisTokenRevocations, redis: Redis
) -> None:
    assert [await revocations.revoke(NAME, f"id-{n}") for n in range(5)] == [True] * 3 + [False] * 2
    assert await revocations.revoke(NAME, "id-0")
    assert await revocations.revoke(NAME, None)
    assert await revocations.revoke(NAME, "id-4")
    (key,) = [key async for key in redis.scan_iter("*revoked-tokens*")]
    assert await redis.hlen(key) == 2
    assert 6 * 86_400 < await redis.ttl(key) <= 7 * 86_400


async def test_a_full_store_accepts_revocations(
    revocations: RedisTokenRevocations, fill: Callable[[], Awaitable[None]]
) -> None:
    await fill()
    assert await revocations.revoke(NAME, "an-id")
    assert await revocations.is_revoked(TOKEN)
    assert await revocations.revoke(NAME, None)
