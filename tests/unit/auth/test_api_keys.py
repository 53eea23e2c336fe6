"""API keys, and how an instance remembers what the store says of them. In virtual time."""

import asyncio

import pytest

from shared.application.api_key_format import digest_of, new_key, new_key_id
from shared.application.authorization import Caller, Role
from shared.application.errors import StoreUnavailable, Unauthenticated
from shared.application.ports.api_keys import ApiKey, ListedApiKey
from shared.auth import api_keys
from shared.auth.api_keys import ApiKeys
from shared.domain.units import Instant
from shared.domain.values import replace
from tests.support.virtual_time import Time, in_virtual_time

pytestmark = in_virtual_time

ID = new_key_id()
KEY = new_key(ID)
STORED = ApiKey(ID, digest_of(KEY), "a name", "host", "alice", "acme", Instant(0), "service:x")


@pytest.fixture(autouse=True)
def _virtual_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_keys, "time", Time)


class Registry:
    """A registry of one key, which counts lookups."""

    def __init__(self, key: ApiKey | None = STORED) -> None:
        self.key = key
        self.error: Exception | None = None
        self.uses: list[str | None] = []

    async def find(self, key_id: str, digest: str | None) -> ApiKey | None:
        self.uses.append(digest)
        await asyncio.sleep(0.01)
        if self.error:
            raise self.error
        return self.key if self.key and key_id == self.key.key_id else None

    async def add(self, key: ApiKey, most: int) -> bool:
        raise NotImplementedError

    async def of(self, tenant: str | None) -> list[ListedApiKey]:
        raise NotImplementedError

    async def revoke(self, key: ApiKey) -> None:
        raise NotImplementedError

    async def forget(self, key: ApiKey) -> None:
        raise NotImplementedError


async def test_a_key_is_a_caller_like_that_of_a_token() -> None:
    caller = await ApiKeys(Registry()).verify(KEY)
    assert caller == Caller(Role.HOST, "alice", "acme")
    assert caller.key_id == ID


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (KEY[:-1], "The API key is incomplete or misspelt"),
        (new_key(ID), "The API key doesn't exist"),
        (new_key(new_key_id()), "The API key doesn't exist"),
    ],
    ids=["cut off", "with another secret", "with another id"],
)
async def test_other_keys_are_refused(key: str, message: str) -> None:
    with pytest.raises(Unauthenticated, match=message):
        await ApiKeys(Registry()).verify(key)


async def test_a_malformed_key_asks_nothing_of_the_store() -> None:
    registry = Registry()
    with pytest.raises(Unauthenticated):
        await ApiKeys(registry).verify(KEY[:-1])
    assert not registry.uses


async def test_an_expired_key_is_refused() -> None:
    now_ms = Time.time() * 1000
    expires_at = Instant(int(now_ms) + 1_000)
    keys = ApiKeys(Registry(replace(STORED, expires_at=expires_at)))
    assert (await keys.verify(KEY)).expires_at == expires_at / 1000
    await asyncio.sleep(1)
    with pytest.raises(Unauthenticated, match="The API key has expired"):
        await keys.verify(KEY)


async def test_one_lookup_in_two_seconds_serves_all_requests() -> None:
    registry = Registry()
    keys = ApiKeys(registry)
    await asyncio.gather(*(keys.verify(KEY) for _ in range(10)))
    for _ in range(30):
        await keys.verify(KEY)
        await asyncio.sleep(0.1)
    assert registry.uses == [digest_of(KEY)] * 2


async def test_without_requests_the_store_is_not_asked() -> None:
    registry = Registry()
    await ApiKeys(registry).verify(KEY)
    await asyncio.sleep(3_600)
    assert len(registry.uses) == 1


async def test_a_revoked_key_is_refused_within_two_seconds() -> None:
    registry = Registry()
    keys = ApiKeys(registry)
    await keys.verify(KEY)
    registry.key = replace(STORED, revoked_at=Instant(1))
    await asyncio.sleep(2)
    with pytest.raises(Unauthenticated, match="The API key was revoked"):
        await keys.verify(KEY)
    with pytest.raises(Unauthenticated, match="The API key was revoked"):
        await keys.require_valid(ID)


async def test_requests_between_checks_of_a_live_connection_leave_the_key_in_use() -> None:
    registry = Registry()
    keys = ApiKeys(registry)
    for _ in range(10):
        await keys.require_valid(ID)
        await asyncio.sleep(1)
        await keys.verify(KEY)
        await asyncio.sleep(1)
    assert registry.uses == [None] * 10


async def test_a_frozen_process_asks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry()
    keys = ApiKeys(registry)
    await keys.verify(KEY)
    began = Time.time()
    monkeypatch.setattr(Time, "time", staticmethod(lambda: began + 60))
    await keys.verify(KEY)
    assert len(registry.uses) == 2


async def test_a_key_is_not_believed_longer_while_the_store_is_unavailable() -> None:
    registry = Registry()
    keys = ApiKeys(registry)
    await keys.verify(KEY)
    registry.error = StoreUnavailable()
    await keys.verify(KEY)
    await asyncio.sleep(2)
    with pytest.raises(StoreUnavailable):
        await keys.verify(KEY)
    registry.error = None
    assert (await keys.verify(KEY)).key_id == ID


async def test_unknown_keys_take_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_keys, "_MAX_REMEMBERED", 3)
    registry = Registry()
    keys = ApiKeys(registry)
    await keys.verify(KEY)
    assert keys.was_valid(KEY)
    for _ in range(3):
        with pytest.raises(Unauthenticated):
            await keys.verify(new_key(new_key_id()))
    assert not keys.was_valid(KEY)


async def test_only_the_key_itself_was_valid() -> None:
    keys = ApiKeys(Registry())
    await keys.verify(KEY)
    assert keys.was_valid(KEY)
    assert not keys.was_valid(new_key(ID))
    assert not keys.was_valid(KEY[:-1])
