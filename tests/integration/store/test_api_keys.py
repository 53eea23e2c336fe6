"""API keys in the store."""

from collections.abc import Awaitable, Callable

import pytest
from redis.asyncio import Redis

from shared.application.api_key_service import ApiKeyService, NewApiKey
from shared.application.errors import ApiKeyConflict
from shared.application.ports.api_keys import ApiKey, ListedApiKey
from shared.application.ports.session_store import SessionStore
from shared.domain.units import DAY, Instant
from shared.domain.values import replace
from shared.store.api_key_registry import RedisApiKeyRegistry
from shared.store.connection import StoreConnection
from shared.store.keys import StoreKeys


@pytest.fixture
def registry(connection: StoreConnection, keys: StoreKeys) -> RedisApiKeyRegistry:
    """The registry under test."""
    return RedisApiKeyRegistry(connection, keys)


def key(number: int = 1, tenant: str | None = "acme") -> ApiKey:
    """A key; those with higher numbers were created later."""
    at = Instant(number)
    return ApiKey(f"id-{number}", "a digest", "a name", "service", "x", tenant, at, "service:x")


async def test_a_key_is_found_by_its_id_and_listed_in_its_tenant(
    registry: RedisApiKeyRegistry,
) -> None:
    for one in (key(2), key(1), key(3, None)):
        assert await registry.add(one, most=2)
    assert await registry.find("id-1", "another digest") == key(1)
    assert await registry.find("id-4", "a digest") is None
    assert await registry.of("acme") == [ListedApiKey(key(1)), ListedApiKey(key(2))]
    assert await registry.of(None) == [ListedApiKey(key(3, None))]
    assert await registry.of("other") == []


async def test_only_a_caller_that_has_the_key_uses_it_at_most_once_a_minute(
    registry: RedisApiKeyRegistry, redis: Redis
) -> None:
    await registry.add(key(), most=1)
    await registry.find("id-1", "another digest")
    assert (await registry.of("acme"))[0].used_at is None
    await registry.find("id-1", "a digest")
    first = (await registry.of("acme"))[0].used_at
    await registry.find("id-1", "a digest")
    assert (await registry.of("acme"))[0].used_at == first
    (name,) = [one async for one in redis.scan_iter("*:api-key:*")]
    await redis.hset(name, "used", "1")
    await registry.find("id-1", "a digest")
    assert (await registry.of("acme"))[0].used_at != Instant(1)


async def test_a_live_connection_uses_the_key_with_which_it_was_opened(
    registry: RedisApiKeyRegistry,
) -> None:
    await registry.add(key(), most=1)
    assert await registry.find("id-1", None) == key()
    assert (await registry.of("acme"))[0].used_at is not None


async def test_a_tenant_has_a_limited_number_of_keys(registry: RedisApiKeyRegistry) -> None:
    assert [await registry.add(key(n), most=2) for n in (1, 2, 3)] == [True, True, False]
    assert await registry.add(replace(key(2), name="another"), most=2)
    await registry.forget(key(1))
    assert await registry.add(key(3), most=2)


async def test_invalid_keys_make_room_for_new_ones(
    registry: RedisApiKeyRegistry, store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.application.api_key_service.MAX_API_KEYS", 2)
    service, now = ApiKeyService(registry, store), await store.time()
    for key_id in ("key-1", "key-2"):
        await service.create(NewApiKey(key_id, "a name", "service"), "service:x", now)
    with pytest.raises(ApiKeyConflict):
        await service.create(NewApiKey("key-3", "a name", "service"), "service:x", now)
    assert await service.revoke(None, "key-1", "service:x")
    await service.create(NewApiKey("key-3", "a name", "service"), "service:x", now)
    assert [one.key.key_id for one in await service.all(None)] == ["key-2", "key-3"]
    assert not await service.revoke(None, "key-1", "service:x")


async def test_keys_are_removed_a_month_after_their_end(
    registry: RedisApiKeyRegistry, redis: Redis
) -> None:
    now = Instant(int((await redis.time())[0]) * 1000)
    await registry.add(replace(key(1), expires_at=Instant(now + DAY)), most=9)
    await registry.add(key(2), most=9)
    await registry.revoke(replace(key(2), revoked_at=now))
    await registry.revoke(replace(key(3), revoked_at=now))
    names = [one async for one in redis.scan_iter("*:api-key:*")]
    days = sorted([await redis.ttl(name) / 86_400 for name in names])
    assert days == pytest.approx([30, 31], abs=0.1)
    for name in names:
        await redis.delete(name)
    assert await registry.of("acme") == []
    assert not [one async for one in redis.scan_iter("*api-key*")]


async def test_a_full_store_accepts_a_revocation_and_lets_keys_be_used(
    registry: RedisApiKeyRegistry, fill: Callable[[], Awaitable[None]]
) -> None:
    await registry.add(key(), most=1)
    await fill()
    assert await registry.find("id-1", "a digest") == key()
    revoked = replace(key(), revoked_at=Instant(1))
    await registry.revoke(revoked)
    assert await registry.find("id-1", "a digest") == revoked
