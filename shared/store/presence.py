"""`PresenceStore` in Redis: one key for each session and instance, and a list of live instances.

The list is a sorted set, scored by the instant at which each instance last confirmed that it is
alive. So a quiet instance renews one member instead of a key for each of its sessions.
"""

from typing import Final

import msgspec

from shared.application.ports.presence import Presence
from shared.application.presence import seen, total_presence
from shared.application.store_clock import StoreClock
from shared.domain.units import Instant
from shared.store.connection import Command, StoreConnection, gather_available
from shared.store.keys import StoreKeys

ALIVE_MS: Final = 60_000
"""Time after its last confirmation during which an instance counts as alive, ms."""

KEPT_MS: Final = 3_600_000
"""Time after which Redis deletes the connections of one instance to one session, ms.

Instances write them again before."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Presence).decode


class RedisPresence:
    """See `PresenceStore`."""

    def __init__(self, redis: StoreConnection, keys: StoreKeys, clock: StoreClock) -> None:
        self._redis = redis
        self._keys = keys
        self._clock = clock

    async def write(self, name: str, instance: str, presence: Presence | None) -> None:
        key = self._keys.presence(name, instance)
        written: Command = ("DEL", key)
        if presence:
            written = ("SET", key, _encode(presence), "PX", KEPT_MS)
        await self._redis.ask([written, ("PUBLISH", self._keys.presence_channel(name), b"")])

    async def keep_alive(self, instance: str) -> bool:
        now = self._clock.now()
        replies = await gather_available(
            self._redis.ask(self._confirmation(shard, instance, now))
            for shard in self._keys.all_shards
        )
        return not any(added for added, *_ in filter(None, replies))

    def _confirmation(self, shard: str, instance: str, now: Instant) -> list[Command]:
        key = self._keys.presence_instances(shard)
        return [
            ("ZADD", key, now, instance),
            ("ZREMRANGEBYSCORE", key, "-inf", now - ALIVE_MS),
            ("PEXPIRE", key, ALIVE_MS),
        ]

    async def forget(self, instance: str) -> None:
        await gather_available(
            self._redis.ask([("ZREM", self._keys.presence_instances(shard), instance)])
            for shard in self._keys.all_shards
        )

    async def read(self, name: str) -> Presence:
        alive = await self._alive(self._keys.shard_of(name))
        if not alive:
            return total_presence([])
        keys = [self._keys.presence(name, instance) for instance in alive]
        (found,) = await self._redis.ask([("MGET", *keys)])
        return total_presence(
            [
                seen(_decode(encoded), at)
                for encoded, at in zip(found, alive.values(), strict=True)
                if encoded is not None
            ]
        )

    async def _alive(self, shard: str) -> dict[str, Instant]:
        """Return the instances that are alive, and when each has last confirmed that."""
        key, oldest = self._keys.presence_instances(shard), self._clock.now() - ALIVE_MS
        (pairs,) = await self._redis.ask(
            [("ZRANGEBYSCORE", key, f"({oldest}", "+inf", "WITHSCORES")]
        )
        scores = (Instant(int(float(score))) for score in pairs[1::2])
        return dict(zip((one.decode() for one in pairs[::2]), scores, strict=True))
