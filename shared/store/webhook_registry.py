"""`WebhookRegistry` in Redis: one hash per tenant."""

import msgspec

from shared.application.ports.audit_log import WEBHOOK_CREATED
from shared.application.ports.webhooks import Webhook
from shared.store.connection import Argument, StoreConnection, load_script
from shared.store.keys import StoreKeys
from shared.store.webhook_readers import WEBHOOKS, WebhookReaders, member_of

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Webhook).decode


class RedisWebhookRegistry:
    """The webhooks of each tenant, by id. Secrets are in plain text, because they sign deliveries.

    A webhook is written together with the reader of the outbox on its own shard. The other shards
    follow, and `WebhookReaders.reconcile` completes that after a crash.
    """

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
        is_added = await self._write(tenant, webhook, b"", most)
        # An earlier attempt may have added it and then failed.
        if is_added or await self.find(tenant, webhook.webhook_id):
            await self._readers.open(tenant, webhook.webhook_id)
        return is_added

    async def replace(self, tenant: str | None, old: Webhook, new: Webhook) -> bool:
        return await self._write(tenant, new, _encode(old), 0)

    async def remove(self, tenant: str | None, webhook_id: str) -> None:
        # First, so that `reconcile` finds what a crash leaves.
        await self._redis.ask([("HDEL", self._keys.webhooks(tenant), webhook_id)])
        await self._readers.close(tenant, webhook_id)

    async def _write(
        self, tenant: str | None, webhook: Webhook, expected: bytes, most: int
    ) -> bool:
        shard = self._keys.webhooks_shard(tenant)
        keys = [self._keys.webhooks(tenant), *self._readers.keys_of(shard)]
        member = member_of(tenant, webhook.webhook_id)
        arguments: list[Argument] = [webhook.webhook_id, expected, _encode(webhook), most]
        arguments += [WEBHOOKS, WEBHOOK_CREATED, member]
        return bool(await self._redis.run(load_script("webhook_register"), keys, arguments))
