"""Lets the workers of webhooks read the outbox while there is a webhook.

Each shard of the outbox has a set with the ids of all webhooks, and the consumer group of the
workers. A shard's set and group are changed together, so that webhooks may be made and removed at
the same time. `take.lua` removes the group when the set is empty and no entry is left to read.

The registry decides which webhooks exist. It is always written before the sets of other shards, so
after a crash a set may lack a webhook, or still have a removed one. `reconcile` corrects both.
"""

from collections.abc import Collection, Sequence

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
            await self._open(shard, [member_of(tenant, webhook_id)])

    async def close(self, tenant: str | None, webhook_id: str) -> None:
        """Note that the webhook is gone. Raises `StoreUnavailable` if a shard doesn't know yet."""
        sets = map(self._keys.webhook_ids, self._keys.all_shards)
        member = member_of(tenant, webhook_id)
        outcomes = await self._redis.execute_groups([[("SREM", ids, member)] for ids in sets])
        for outcome in outcomes:
            if isinstance(outcome, StoreUnavailable):
                raise outcome

    async def reconcile(self, unread: Collection[str]) -> None:
        """Let all shards that can be reached have the webhooks of the registry, and no others.

        The shards `unread` have no group. Sets are read before the registry, so that a webhook that
        is added meanwhile isn't taken for a removed one. Raises `StoreUnavailable` if no shard can
        be reached.
        """
        members = await self._members()
        if not (known_anywhere := set().union(*members.values())):
            return
        removed = await self._removed(known_anywhere)
        existing = known_anywhere - removed
        for shard, known in members.items():
            if gone := known & removed:
                await self._redis.ask([("SREM", self._keys.webhook_ids(shard), *sorted(gone))])
        await gather_available(
            self._open(shard, sorted(existing))
            for shard, known in members.items()
            if existing and (shard in unread or existing - known)
        )

    def keys_of(self, shard: str) -> list[str]:
        """Return the keys of the shard that a script needs to open it."""
        return [
            self._keys.outbox(shard),
            self._keys.webhook_ids(shard),
            self._keys.outbox_channel(shard),
        ]

    async def _members(self) -> dict[str, set[str]]:
        """Return the set of each shard that can be reached."""
        shards = self._keys.all_shards
        outcomes = await self._redis.execute_groups(
            [[("SMEMBERS", self._keys.webhook_ids(shard))] for shard in shards]
        )
        return {
            shard: {member.decode() for member in outcome[0]}
            for shard, outcome in zip(shards, outcomes, strict=True)
            if not isinstance(outcome, StoreUnavailable)
        }

    async def _removed(self, members: Collection[str]) -> set[str]:
        """Return those of `members` that the registry surely lacks."""
        tenants = sorted({_tenant_in(member) for member in members})
        outcomes = await self._redis.execute_groups(
            [[("HKEYS", self._keys.webhooks(tenant))] for tenant in tenants]
        )
        removed = set(members)
        for tenant, outcome in zip(tenants, outcomes, strict=True):
            if isinstance(outcome, StoreUnavailable):
                removed -= {member for member in members if _tenant_in(member) == tenant}
            else:
                removed -= {member_of(tenant, webhook_id.decode()) for webhook_id in outcome[0]}
        return removed

    async def _open(self, shard: str, members: Sequence[str]) -> None:
        await self._redis.run(
            load_script("webhook_open"),
            self.keys_of(shard),
            [WEBHOOKS, WEBHOOK_CREATED, *members],
        )


def member_of(tenant: str | None, webhook_id: str) -> str:
    """Return the webhook's member in the sets."""
    return f"{tenant or ''}/{webhook_id}"


def _tenant_in(member: str) -> str:
    return member.partition("/")[0]
