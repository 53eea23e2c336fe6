"""`ApiKeyRegistry` in Redis: one hash per key, and one set per tenant with the ids of its keys.

All are on one shard, because a key is looked up before its tenant is known. Instances remember
keys for some seconds, so this shard isn't asked for each request.
"""

import msgspec

from shared.application.ports.api_keys import ApiKey, ListedApiKey
from shared.domain.units import DAY, Instant
from shared.store.connection import Argument, Command, StoreConnection, load_script
from shared.store.keys import StoreKeys

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(ApiKey).decode

_KEPT = 30 * DAY
"""Time for which a revoked or expired key is still listed."""

_NOTE_INTERVAL_MS = 60_000


class RedisApiKeyRegistry:
    """The API keys of all tenants, by id."""

    def __init__(self, redis: StoreConnection, keys: StoreKeys) -> None:
        self._redis = redis
        self._keys = keys

    async def add(self, key: ApiKey, most: int) -> bool:
        until = "" if key.expires_at is None else key.expires_at + _KEPT
        names = [self._keys.api_key(key.key_id), self._keys.api_keys(key.tenant)]
        arguments: list[Argument] = [key.key_id, _encode(key), until, most]
        return bool(await self._redis.run(load_script("api_key_add"), names, arguments))

    async def find(self, key_id: str, digest: str | None) -> ApiKey | None:
        arguments: list[Argument] = [digest or "", _NOTE_INTERVAL_MS]
        names = [self._keys.api_key(key_id)]
        found = await self._redis.run(load_script("api_key_find"), names, arguments)
        return _decode(found) if found else None

    async def of(self, tenant: str | None) -> list[ListedApiKey]:
        """See `ApiKeyRegistry`. Also removes the ids of keys that are no longer stored."""
        (ids,) = await self._redis.ask([("SMEMBERS", self._keys.api_keys(tenant))])
        reading: list[Command] = [
            ("HMGET", self._keys.api_key(key_id.decode()), "record", "used") for key_id in ids
        ]
        fields = await self._redis.ask(reading) if reading else []
        if gone := [key_id for key_id, (record, _) in zip(ids, fields, strict=True) if not record]:
            await self._redis.ask([("SREM", self._keys.api_keys(tenant), *gone)])
        listed = [
            ListedApiKey(_decode(record), Instant(int(used)) if used else None)
            for record, used in fields
            if record
        ]
        return sorted(listed, key=lambda one: (one.key.created_at, one.key.key_id))

    async def revoke(self, key: ApiKey) -> None:
        names = [self._keys.api_key(key.key_id)]
        await self._redis.run(load_script("api_key_revoke"), names, [_encode(key), _KEPT])

    async def forget(self, key: ApiKey) -> None:
        await self._redis.ask(
            [
                ("DEL", self._keys.api_key(key.key_id)),
                ("SREM", self._keys.api_keys(key.tenant), key.key_id),
            ]
        )
