"""`Memory` over Redis: a marker in each shard, which goes when everything else goes."""

from redis.asyncio import Redis

from shared.domain.units import Millis
from shared.store.keys import Keys
from shared.store.redis import reporting_outages, script

_RECOVERY_LEASE = Millis(5_000)


class RedisMemory:
    """The markers, and who is at work to bring them back."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys
        self._confirm_script = script(redis, "confirm")

    async def is_whole(self) -> bool:
        keys = [self._keys.whole(shard) for shard in self._keys.all_shards]
        with reporting_outages():
            return int(await self._redis.exists(*keys)) == len(keys)

    async def begin_recovery(self, by: str) -> bool:
        first, *others = (self._keys.recovery(shard) for shard in self._keys.all_shards)
        with reporting_outages():
            is_free = await self._redis.set(first, by, px=_RECOVERY_LEASE, nx=True)
            if not is_free and await self._redis.get(first) != by.encode():
                return False
            for key in (first, *others):
                await self._redis.set(key, by, px=_RECOVERY_LEASE)
        return True

    async def end_recovery(self, by: str) -> None:
        with reporting_outages():
            for shard in self._keys.all_shards:
                keys = [self._keys.recovery(shard), self._keys.whole(shard)]
                await self._confirm_script(keys=keys, args=[by])
