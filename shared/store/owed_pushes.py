"""`OwedPushes` in Redis: a sorted set for each shard, moved as the deadlines are."""

from collections.abc import Iterator, Sequence

from shared.clock import StoreClock
from shared.domain.units import Instant, Millis, after, elapsed_between
from shared.errors import StoreUnavailable
from shared.realtime.ports import OwedPush, Taken
from shared.store.connection import Argument, Connection, Reply, script
from shared.store.keys import Keys

_FIRST_TRY_AFTER = Millis(1_000)
_LEASE = Millis(10_000)
"""What was taken and neither settled nor postponed for so long is anyone's again."""

_TRIES = 1024
"""A score is an instant with the number of tries behind it, exact in a double until 2248.

Only a failure writes one without tries, so none that comes later looks like what was taken.
"""


class RedisOwedPushes:
    """Who is owed a push, by when and by how often it was tried."""

    def __init__(self, redis: Connection, keys: Keys, clock: StoreClock) -> None:
        self._redis = redis
        self._keys = keys
        self._clock = clock

    async def add(self, name: str) -> bool:
        owed = OwedPush(name, after(self._clock.now(), _FIRST_TRY_AFTER))
        key = self._keys.owed_pushes(self._keys.shard_of(name))
        (added,) = await self._redis.ask([("ZADD", key, _score(owed), name)])
        return bool(added)

    async def take(self, limit: int) -> Taken:
        """See `OwedPushes`. What another has taken is ahead, where its lease ends. Shards that
        can't be reached are left out."""
        shards = self._keys.all_shards
        outcomes = await self._redis.ask_each(
            [
                [
                    ("ZRANGE", self._keys.owed_pushes(shard), 0, limit - 1, "WITHSCORES"),
                    ("TIME",),
                ]
                for shard in shards
            ]
        )
        taken: list[OwedPush] = []
        ahead: list[Millis] = []
        for shard, outcome in zip(shards, outcomes, strict=True):
            if isinstance(outcome, StoreUnavailable):
                continue
            scored, (seconds, micros) = outcome
            now = Instant(int(seconds) * 1000 + int(micros) // 1000)
            owed = list(_read(scored))
            due = [o for o in owed if o.due_at <= now]
            room = limit - len(taken)
            taken += await self._claim(shard, due[:room], now)
            later = [*due[room:], *owed[len(due) :]]
            ahead += [elapsed_between(now, max(now, o.due_at)) for o in later]
        return Taken(tuple(taken), min(ahead, default=None))

    async def settle(self, taken: OwedPush) -> None:
        await self._move(self._keys.shard_of(taken.name), [taken.name, _score(taken), ""])

    async def postpone(self, taken: OwedPush, until: Instant) -> None:
        later = OwedPush(taken.name, until, taken.tries)
        shard = self._keys.shard_of(taken.name)
        await self._move(shard, [taken.name, _score(taken), _score(later)])

    async def _claim(self, shard: str, due: Sequence[OwedPush], now: Instant) -> list[OwedPush]:
        if not due:
            return []
        until = after(now, _LEASE)
        ours = {o.name: OwedPush(o.name, until, min(o.tries + 1, _TRIES - 1)) for o in due}
        moves = [part for o in due for part in (o.name, _score(o), _score(ours[o.name]))]
        return [ours[name] for name in await self._move(shard, moves)]

    async def _move(self, shard: str, moves: Sequence[Argument]) -> list[str]:
        moved = await self._redis.run(script("reschedule"), [self._keys.owed_pushes(shard)], moves)
        return [name.decode() for name in moved]


def _score(owed: OwedPush) -> int:
    return owed.due_at * _TRIES + owed.tries


def _read(reply: Reply) -> Iterator[OwedPush]:
    for name, score in zip(reply[::2], reply[1::2], strict=True):
        due_at, tries = divmod(int(float(score)), _TRIES)
        yield OwedPush(name.decode(), Instant(due_at), tries)
