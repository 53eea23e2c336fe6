"""Whether the workers of webhooks read the outbox: only while there is a webhook.

Each shard of the outbox has a set with the ids of all webhooks, and the consumer group of the
workers. A shard's set and group are changed together, so that webhooks may be made and removed at
the same time. `take.lua` removes the group when the set is empty and no entry is left to read.
"""

from collections.abc import Iterable, Sequence

from shared.application.errors import StoreUnavailable
from shared.application.ports.audit_log import WEBHOOK_CREATED
from shared.store.connection import StoreConnection, gather_available, load_script
from shared.store.keys import StoreKeys

WEBHOOKS = "webhooks"
"""The group of workers that read the outbox for webhooks."""


class WebhookReaders:
    """The sets of ids, and the groups."""

    def __init__(self, redis: StoreConnection, keys: StoreKeys) -> None:
        self._redis = redis
        self._keys = keys

    async def open(self, tenant: str | None, webhook_id: str) -> None:
        """Let the workers read all entries from now on. Raises `StoreUnavailable`."""
        for shard in self._keys.all_shards:
            await self._open(shard, [_member(tenant, webhook_id)])

    async def close(self, tenant: str | None, webhook_id: str) -> None:
        """Note that the webhook is gone. Raises `StoreUnavailable` if a shard doesn't know yet."""
        sets = map(self._keys.webhook_ids, self._keys.all_shards)
        member = _member(tenant, webhook_id)
        outcomes = await self._redis.execute_groups([[("SREM", ids, member)] for ids in sets])
        for outcome in outcomes:
            if isinstance(outcome, StoreUnavailable):
                raise outcome

    async def repair(self, shards: Iterable[str]) -> None:
        """Open `shards` that have lost their data, if webhooks exist according to the others."""
        sets = map(self._keys.webhook_ids, self._keys.all_shards)
        outcomes = await self._redis.execute_groups([[("SMEMBERS", ids)] for ids in sets])
        found = [outcome[0] for outcome in outcomes if not isinstance(outcome, StoreUnavailable)]
        members = sorted({member.decode() for of_shard in found for member in of_shard})
        if members:
            await gather_available(self._open(shard, members) for shard in shards)

    async def _open(self, shard: str, members: Sequence[str]) -> None:
        keys = [
            self._keys.outbox(shard),
            self._keys.webhook_ids(shard),
            self._keys.outbox_channel(shard),
        ]
        await self._redis.run(
            load_script("webhook_open"), keys, [WEBHOOKS, WEBHOOK_CREATED, *members]
        )


def _member(tenant: str | None, webhook_id: str) -> str:
    return f"{tenant or ''}/{webhook_id}"
