"""Members that are due at an instant, with a number of tries: a sorted set per shard."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from shared.application.errors import StoreUnavailable
from shared.domain.units import Instant, Millis, after, elapsed_between
from shared.store.connection import Argument, Reply, StoreConnection
from shared.store.keys import StoreKeys
from shared.store.sessions import TIME, micros_of, reschedule

_TRIES = 1024
"""A score is `instant * 1024 + tries`, which a double holds exactly until the year 2248."""


@dataclass(frozen=True, slots=True)
class DueMember:
    """A member of a shard's set. A claimed one has at least 1 try."""

    shard: str
    name: str
    due_at: Instant
    tries: int = 0

    @property
    def score(self) -> int:
        """The member's score."""
        return score(self.due_at, self.tries)


class DueSet:
    """The sorted sets that `key_of_shard` names. A claim is a score in the future.

    A claim that is neither moved nor removed expires after `lease`, and the member is due again.
    """

    def __init__(
        self,
        redis: StoreConnection,
        keys: StoreKeys,
        key_of_shard: Callable[[str], str],
        lease: Millis,
    ) -> None:
        self._redis = redis
        self._keys = keys
        self._key = key_of_shard
        self._lease = lease

    async def take(self, limit: int) -> tuple[list[DueMember], Millis | None]:
        """Claim at most `limit` due members; also return the time until the next one, if any.

        Claims of other workers count as due when their lease ends. Shards that can't be reached
        are skipped.
        """
        shards = await self._used_shards()
        if not shards:
            return [], None
        outcomes = await self._redis.execute_groups(
            [[("ZRANGE", self._key(shard), 0, limit - 1, "WITHSCORES"), TIME] for shard in shards]
        )
        taken: list[DueMember] = []
        waits: list[Millis] = []
        for shard, outcome in zip(shards, outcomes, strict=True):
            if isinstance(outcome, StoreUnavailable):
                continue
            scored, time_reply = outcome
            now = Instant(micros_of(time_reply) // 1000)
            members = list(_members(shard, scored))
            due = [member for member in members if member.due_at <= now]
            room = limit - len(taken)
            taken += await self._claim(shard, due[:room], now)
            later = [*due[room:], *members[len(due) :]]
            waits += [elapsed_between(now, max(now, member.due_at)) for member in later]
        return taken, min(waits, default=None)

    async def move(self, claimed: DueMember, new_score: int | None) -> None:
        """Give the member a new score, or remove it; nothing happens if the claim has ended."""
        to: Argument = "" if new_score is None else new_score
        await self._move(claimed.shard, [claimed.name, claimed.score, to])

    async def _used_shards(self) -> list[str]:
        """Return the shards with members, so that an idle worker sends few commands."""
        shards = self._keys.all_shards
        outcomes = await self._redis.execute_groups(
            [[("EXISTS", self._key(shard))] for shard in shards]
        )
        return [shard for shard, found in zip(shards, outcomes, strict=True) if found == [1]]

    async def _claim(self, shard: str, due: Sequence[DueMember], now: Instant) -> list[DueMember]:
        if not due:
            return []
        until = after(now, self._lease)
        claims = {
            o.name: DueMember(shard, o.name, until, min(o.tries + 1, _TRIES - 1)) for o in due
        }
        moves = [part for o in due for part in (o.name, o.score, claims[o.name].score)]
        return [claims[name] for name in await self._move(shard, moves)]

    async def _move(self, shard: str, moves: Sequence[Argument]) -> list[str]:
        return await reschedule(self._redis, self._key(shard), moves)


def score(due_at: Instant, tries: int) -> int:
    """Return the score of a member that is due at that instant after that many tries."""
    return due_at * _TRIES + tries


def _members(shard: str, reply: Reply) -> Iterator[DueMember]:
    for name, its_score in zip(reply[::2], reply[1::2], strict=True):
        due_at, tries = divmod(int(float(its_score)), _TRIES)
        yield DueMember(shard, name.decode(), Instant(due_at), tries)
