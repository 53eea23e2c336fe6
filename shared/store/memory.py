"""`Memory` in Redis: a marker in each shard, which goes when everything else goes."""

from shared.domain.units import Millis
from shared.store.connection import Connection, script
from shared.store.keys import Keys

_RECOVERY_LEASE = Millis(5_000)


class RedisMemory:
    """The markers, and who is at work to bring them back."""

    def __init__(self, redis: Connection, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    async def is_whole(self) -> bool:
        keys = [self._keys.whole(shard) for shard in self._keys.all_shards]
        (there,) = await self._redis.ask([("EXISTS", *keys)])
        return bool(there == len(keys))

    async def begin_recovery(self, by: str) -> bool:
        first, *others = (self._keys.recovery(shard) for shard in self._keys.all_shards)
        lease = (by, "PX", _RECOVERY_LEASE)
        _, holder = await self._redis.ask([("SET", first, *lease, "NX"), ("GET", first)])
        if holder != by.encode():
            return False
        await self._redis.ask([("SET", key, *lease) for key in (first, *others)])
        return True

    async def end_recovery(self, by: str) -> None:
        for shard in self._keys.all_shards:
            keys = [self._keys.recovery(shard), self._keys.whole(shard)]
            await self._redis.run(script("confirm"), keys, [by])
