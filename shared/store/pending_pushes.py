"""`PendingPushes` in Redis: a sorted set per shard, claimed in the same way as deadlines."""

from collections.abc import Iterator, Sequence

from shared.application.errors import StoreUnavailable
from shared.application.ports.pending_pushes import ClaimedPushes, PendingPush
from shared.application.store_clock import StoreClock
from shared.domain.units import Instant, Millis, after, elapsed_between
from shared.store.connection import Argument, Reply, StoreConnection
from shared.store.keys import StoreKeys
from shared.store.sessions import TIME, micros_of, reschedule

_FIRST_TRY_AFTER = Millis(1_000)
_LEASE = Millis(10_000)
"""A claim that is neither settled nor postponed expires after this time."""

_TRIES = 1024
"""A score is `instant * 1024 + tries`, which a double holds exactly until 2248.

A claimed push has at least 1 try and only `add` writes 0, so `add` never repeats a claim's score.
"""


class RedisPendingPushes:
    """Sessions with a failed push, scored by due time and number of tries."""

    def __init__(self, redis: StoreConnection, keys: StoreKeys, clock: StoreClock) -> None:
        self._redis = redis
        self._keys = keys
        self._clock = clock

    async def add(self, name: str) -> bool:
        push = PendingPush(name, after(self._clock.now(), _FIRST_TRY_AFTER))
        key = self._keys.pending_pushes(self._keys.shard_of(name))
        (added,) = await self._redis.ask([("ZADD", key, _score(push), name)])
        return bool(added)

    async def take(self, limit: int) -> ClaimedPushes:
        """See `PendingPushes`. Claims of other workers count as due when their lease ends. Shards
        that can't be reached are skipped."""
        shards = await self._used_shards()
        if not shards:
            return ClaimedPushes((), None)
        outcomes = await self._redis.execute_groups(
            [
                [("ZRANGE", self._keys.pending_pushes(shard), 0, limit - 1, "WITHSCORES"), TIME]
                for shard in shards
            ]
        )
        taken: list[PendingPush] = []
        waits: list[Millis] = []
        for shard, outcome in zip(shards, outcomes, strict=True):
            if isinstance(outcome, StoreUnavailable):
                continue
            scored, time_reply = outcome
            now = Instant(micros_of(time_reply) // 1000)
            pending = list(_pending_pushes(scored))
            due = [push for push in pending if push.due_at <= now]
            room = limit - len(taken)
            taken += await self._claim(shard, due[:room], now)
            later = [*due[room:], *pending[len(due) :]]
            waits += [elapsed_between(now, max(now, push.due_at)) for push in later]
        return ClaimedPushes(tuple(taken), min(waits, default=None))

    async def _used_shards(self) -> list[str]:
        """Return the shards with pending pushes, so that an idle worker sends few commands."""
        shards = self._keys.all_shards
        outcomes = await self._redis.execute_groups(
            [[("EXISTS", self._keys.pending_pushes(shard))] for shard in shards]
        )
        return [shard for shard, found in zip(shards, outcomes, strict=True) if found == [1]]

    async def settle(self, taken: PendingPush) -> None:
        await self._move(self._keys.shard_of(taken.name), [taken.name, _score(taken), ""])

    async def postpone(self, taken: PendingPush, until: Instant) -> None:
        later = PendingPush(taken.name, until, taken.tries)
        shard = self._keys.shard_of(taken.name)
        await self._move(shard, [taken.name, _score(taken), _score(later)])

    async def _claim(
        self, shard: str, due: Sequence[PendingPush], now: Instant
    ) -> list[PendingPush]:
        if not due:
            return []
        until = after(now, _LEASE)
        claims = {o.name: PendingPush(o.name, until, min(o.tries + 1, _TRIES - 1)) for o in due}
        moves = [part for o in due for part in (o.name, _score(o), _score(claims[o.name]))]
        return [claims[name] for name in await self._move(shard, moves)]

    async def _move(self, shard: str, moves: Sequence[Argument]) -> list[str]:
        return await reschedule(self._redis, self._keys.pending_pushes(shard), moves)


def _score(push: PendingPush) -> int:
    return push.due_at * _TRIES + push.tries


def _pending_pushes(reply: Reply) -> Iterator[PendingPush]:
    for name, score in zip(reply[::2], reply[1::2], strict=True):
        due_at, tries = divmod(int(float(score)), _TRIES)
        yield PendingPush(name.decode(), Instant(due_at), tries)
