"""`PendingPushes` in Redis: a sorted set per shard, claimed in the same way as deadlines."""

from shared.application.ports.pending_pushes import ClaimedPushes, PendingPush
from shared.application.store_clock import StoreClock
from shared.domain.units import Instant, Millis, after
from shared.store.connection import StoreConnection
from shared.store.due_set import DueMember, DueSet, score
from shared.store.keys import StoreKeys

_FIRST_TRY_AFTER = Millis(1_000)
_LEASE = Millis(10_000)
"""A claim that is neither settled nor postponed expires after this time."""


class RedisPendingPushes:
    """Sessions with a failed push, by due time and number of tries.

    A claimed push has at least 1 try and only `add` writes 0, so `add` never repeats a claim's
    score.
    """

    def __init__(self, redis: StoreConnection, keys: StoreKeys, clock: StoreClock) -> None:
        self._redis = redis
        self._keys = keys
        self._clock = clock
        self._set = DueSet(redis, keys, keys.pending_pushes, _LEASE)

    async def add(self, name: str) -> bool:
        due_at = after(self._clock.now(), _FIRST_TRY_AFTER)
        key = self._keys.pending_pushes(self._keys.shard_of(name))
        (added,) = await self._redis.ask([("ZADD", key, score(due_at, 0), name)])
        return bool(added)

    async def take(self, limit: int) -> ClaimedPushes:
        """See `PendingPushes`. Shards that can't be reached are skipped."""
        taken, next_in_ms = await self._set.take(limit)
        pushes = (PendingPush(push.name, push.due_at, push.tries) for push in taken)
        return ClaimedPushes(tuple(pushes), next_in_ms)

    async def settle(self, taken: PendingPush) -> None:
        await self._set.move(self._member(taken), None)

    async def postpone(self, taken: PendingPush, until: Instant) -> None:
        await self._set.move(self._member(taken), score(until, taken.tries))

    def _member(self, push: PendingPush) -> DueMember:
        return DueMember(self._keys.shard_of(push.name), push.name, push.due_at, push.tries)
