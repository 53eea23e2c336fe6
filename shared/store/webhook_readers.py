"""Lets the workers of webhooks read the outbox while there is a webhook.

Each shard of the outbox has a set with the ids of all webhooks, and the consumer group of the
workers. A shard's set and group are changed together, so that webhooks may be made and removed at
the same time. `take.lua` removes the group when the set is empty and no entry is left to read.

The registry decides which webhooks exist. It is always written before the sets of other shards, so
after a crash a set may lack a webhook, or still have a removed one. `reconcile` corrects both; each
worker calls it when it begins, and again every hour.
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

    async def reconcile(self, unread: Collection[str]) -> bool:
        """Let all shards that can be reached have the webhooks of the registry, and no others.

        The shards `unread` have no group. Returns false if a part of the store couldn't be reached,
        so that the call must be repeated. Raises `StoreUnavailable` if no shard can be reached.
        """
        # Sets are read before the registry, so that a webhook that is added meanwhile isn't taken
        # for a removed one.
        members = await self._members()
        is_whole = len(members) == len(self._keys.all_shards)
        if not (known_anywhere := set().union(*members.values())):
            return is_whole
        removed, is_known = await self._removed(known_anywhere)
        existing = known_anywhere - removed
        await self._remove(removed, members)
        lacking = [
            shard
            for shard, known in members.items()
            if existing and (shard in unread or existing - known)
        ]
        if lacking:
            opened = await gather_available(self._open(one, sorted(existing)) for one in lacking)
            # The registry is read again after the sets were written, because a webhook that was
            # removed in between is in them again.
            removed, is_known_again = await self._removed(existing)
            await self._remove(removed, members)
            is_whole = is_whole and is_known_again and None not in opened
        return is_whole and is_known

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

    async def _removed(self, members: Collection[str]) -> tuple[set[str], bool]:
        """Return those of `members` that the registry lacks, and whether all could be looked up."""
        tenants = sorted({_tenant_in(member) for member in members})
        outcomes = await self._redis.execute_groups(
            [[("HKEYS", self._keys.webhooks(tenant))] for tenant in tenants]
        )
        removed, is_whole = set(members), True
        for tenant, outcome in zip(tenants, outcomes, strict=True):
            if isinstance(outcome, StoreUnavailable):
                removed -= {member for member in members if _tenant_in(member) == tenant}
                is_whole = False
            else:
                removed -= {member_of(tenant, webhook_id.decode()) for webhook_id in outcome[0]}
        return removed, is_whole

    async def _remove(self, members: Collection[str], shards: Collection[str]) -> None:
        if members:
            gone = sorted(members)
            await self._redis.ask(
                [("SREM", self._keys.webhook_ids(shard), *gone) for shard in shards]
            )

    async def _open(self, shard: str, members: Sequence[str]) -> bool:
        await self._redis.run(
            load_script("webhook_open"),
            self.keys_of(shard),
            [WEBHOOKS, WEBHOOK_CREATED, *members],
        )
        return True


def member_of(tenant: str | None, webhook_id: str) -> str:
    """Return the webhook's member in the sets."""
    return f"{tenant or ''}/{webhook_id}"


def _tenant_in(member: str) -> str:
    return member.partition("/")[0]
