"""`WebhookRegistry` in Redis: one hash per tenant."""

import msgspec

from shared.application.ports.webhooks import Webhook
from shared.store.connection import Argument, StoreConnection, load_script
from shared.store.keys import StoreKeys
from shared.store.webhook_readers import WebhookReaders

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Webhook).decode


class RedisWebhookRegistry:
    """The webhooks of each tenant, by id. Their secrets are stored as they are: they must sign."""

    def __init__(self, redis: StoreConnection, keys: StoreKeys) -> None:
        self._redis = redis
        self._keys = keys
        self._readers = WebhookReaders(redis, keys)

    async def of(self, tenant: str | None) -> list[Webhook]:
        (fields,) = await self._redis.ask([("HGETALL", self._keys.webhooks(tenant))])
        return sorted(map(_decode, fields[1::2]), key=lambda one: (one.created_at, one.webhook_id))

    async def find(self, tenant: str | None, webhook_id: str) -> Webhook | None:
        (found,) = await self._redis.ask([("HGET", self._keys.webhooks(tenant), webhook_id)])
        return _decode(found) if found else None

    async def add(self, tenant: str | None, webhook: Webhook, most: int) -> bool:
        # First, so that no event after the answer is missed.
        await self._readers.open(tenant, webhook.webhook_id)
        is_added = await self._write(tenant, webhook, b"", most)
        if not is_added and await self.find(tenant, webhook.webhook_id) is None:
            await self._readers.close(tenant, webhook.webhook_id)
        return is_added

    async def replace(self, tenant: str | None, old: Webhook, new: Webhook) -> bool:
        return await self._write(tenant, new, _encode(old), 0)

    async def remove(self, tenant: str | None, webhook_id: str) -> None:
        await self._redis.ask([("HDEL", self._keys.webhooks(tenant), webhook_id)])
        await self._readers.close(tenant, webhook_id)

    async def _write(
        self, tenant: str | None, webhook: Webhook, expected: bytes, most: int
    ) -> bool:
        key = self._keys.webhooks(tenant)
        arguments: list[Argument] = [webhook.webhook_id, expected, _encode(webhook), most]
        return bool(await self._redis.run(load_script("webhook_register"), [key], arguments))
