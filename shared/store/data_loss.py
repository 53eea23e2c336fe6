"""`DataLossDetector` in Redis: a marker in each shard, which is lost with the data."""

from collections.abc import Collection
from secrets import token_hex

from shared.application.errors import StoreUnavailable
from shared.application.ports.data_loss import Epoch
from shared.domain.units import Millis
from shared.store.connection import StoreConnection, gather_available, load_script
from shared.store.keys import StoreKeys

_RECOVERY_LEASE = Millis(5_000)


class RedisDataLossDetector:
    """The marker of each shard, and the lease of the instance that restores a shard's data."""

    def __init__(self, redis: StoreConnection, keys: StoreKeys) -> None:
        self._redis = redis
        self._keys = keys

    def shard_of(self, name: str) -> str:
        return self._keys.shard_of(name)

    async def lost(self) -> list[str]:
        shards = self._keys.all_shards
        outcomes = await self._redis.execute_groups(
            [[("EXISTS", self._keys.whole(shard))] for shard in shards]
        )
        return [
            shard
            for shard, outcome in zip(shards, outcomes, strict=True)
            if not isinstance(outcome, StoreUnavailable) and outcome == [0]
        ]

    async def begin_recovery(self, by: str, shards: Collection[str]) -> list[str]:
        outcomes = await gather_available([self._lease(by, shard) for shard in shards])
        return [shard for shard, is_ours in zip(shards, outcomes, strict=True) if is_ours]

    async def end_recovery(self, by: str, shards: Collection[str]) -> None:
        for shard in shards:
            keys = [self._keys.recovery(shard), self._keys.whole(shard)]
            await self._redis.run(load_script("confirm"), keys, [by, token_hex(8)])

    async def epochs(self) -> dict[str, Epoch]:
        epochs: dict[str, Epoch] = {}
        for shard in self._keys.all_shards:
            key = self._keys.whole(shard)
            route = self._redis.route(key)
            if route is None:
                continue
            marker = await self._redis.run(load_script("epoch"), [key], [token_hex(8)])
            if marker and self._redis.route(key) == route:
                epochs[shard] = (marker.decode(), route)
        return epochs

    async def _lease(self, by: str, shard: str) -> bool:
        """Take or renew the lease on restoring the shard; whether `by` has it."""
        key, lease = self._keys.recovery(shard), ("PX", _RECOVERY_LEASE)
        _, holder = await self._redis.ask([("SET", key, by, *lease, "NX"), ("GET", key)])
        if holder != by.encode():
            return False
        await self._redis.ask([("SET", key, by, *lease)])
        return True
