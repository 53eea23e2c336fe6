"""`SessionStore` in Redis: sessions, their wake-ups and what is told of them, in one step each."""

import time
from collections.abc import Sequence

from shared.clock import StoreClock
from shared.domain.units import DAY, Instant, elapsed_between
from shared.ports import (
    Agenda,
    Announcer,
    Census,
    Commit,
    CommitResult,
    IdempotencyKey,
    Limit,
    Loaded,
    LoadedMany,
    News,
    Quota,
    RecordedAnswer,
    Wakeup,
)
from shared.slices import LARGE_BYTES, LARGE_SESSION, next_slice
from shared.store import codec
from shared.store.commits import USUAL, Means, arguments_of, keys_of, result_of
from shared.store.connection import Argument, Attempt, Command, Connection, Reply, script
from shared.store.counters import Counters
from shared.store.keys import Keys

_SESSION_FIELDS = ("operations", "state", "alarm")


class RedisSessionStore:
    """Sessions in a Redis, however it is reached.

    `means` says which parts of a commit somebody uses. An `announcer` is told of each commit, and
    where the store sets alarms, of each alarm to be set.
    """

    def __init__(
        self,
        redis: Connection,
        keys: Keys,
        clock: StoreClock,
        *,
        means: Means = USUAL,
        announcer: Announcer | None = None,
    ) -> None:
        self._redis = redis
        self._keys = keys
        self._clock = clock
        self._means = means
        self._announcer = announcer
        self._counters = Counters(keys, clock)

    def creation_scope(self, key: str, name: str | None) -> str:
        return self._keys.creation_scope(key, name)

    def new_session_id(self, scope: str | None, tenant: str | None) -> str:
        return self._keys.new_session_id(scope, tenant)

    async def load(
        self, name: str, key: IdempotencyKey | None = None, limits: Sequence[Limit] = ()
    ) -> Loaded:
        """See `SessionStore`. What is counted comes first, then the session, the time last: no
        reply is older than one before it, so a recorded answer is never missed beside the state
        it left."""
        counting = self._counters.attempts(limits)
        commands: list[Command | Attempt] = [*counting, self._reading(name)]
        if key:
            commands.append(("GET", self._keys.answer(key)))
        now, replies = await self._timed(commands)
        quotas = self._counters.quotas(limits, replies[: len(counting)])
        found, *answers = replies[len(counting) :]
        recorded = codec.decode_record(answers[0]) if answers and answers[0] else None
        if _is_large(found):
            await next_slice()
        return _loaded(now, found, recorded, quotas)

    async def load_many(self, names: Sequence[str], limits: Sequence[Limit] = ()) -> LoadedMany:
        counting = self._counters.attempts(limits)
        commands: list[Command | Attempt] = [*counting, *map(self._reading, names)]
        now, replies = await self._timed(commands)
        quotas = self._counters.quotas(limits, replies[: len(counting)])
        found = []
        for reply in replies[len(counting) :]:
            if _is_large(reply):
                await next_slice()
            found.append(_loaded(now, reply))
        return LoadedMany(now, found, quotas)

    async def commit(self, commit: Commit) -> CommitResult:
        """See `SessionStore`. What an owner holds is counted on each shard by itself, against that
        shard's share of what the owner may hold (`share_of_shard`): one commit sees no other shard.
        """
        if commit.session and len(commit.session.participants) > LARGE_SESSION:
            await next_slice()
        arguments = arguments_of(commit, self._keys, self._means)
        reply = await self._redis.run(script("commit"), keys_of(commit, self._keys), arguments)
        if reply[0] == b"done" and self._announcer:
            alarm_at = commit.alarm_at if reply[2] and self._means.sets_alarms else None
            await self._announcer.announce(
                News(commit.name, alarm_at, bool(reply[1]), commit.pushes)
            )
        return result_of(reply)

    async def remember(self, key: IdempotencyKey, record: bytes) -> bytes:
        kept: bytes = await self._redis.run(
            script("remember"), [self._keys.record(key)], [record, DAY]
        )
        return kept

    async def agenda(self, limit: int) -> Agenda:
        keys = [self._keys.deadlines(shard) for shard in self._keys.all_shards]
        now, replies = await self._timed(
            [("ZRANGE", key, 0, limit - 1, "WITHSCORES") for key in keys]
        )
        wakeups = [
            Wakeup(member.decode(), Instant(int(float(score))))
            for reply in replies
            for member, score in zip(reply[::2], reply[1::2], strict=True)
        ]
        return Agenda(now, tuple(sorted(wakeups, key=lambda w: w.at)))

    async def claim(self, wakeups: Sequence[Wakeup], until: Instant) -> list[Wakeup]:
        by_shard: dict[str, list[Wakeup]] = {}
        for wakeup in wakeups:
            by_shard.setdefault(self._keys.shard_of(wakeup.name), []).append(wakeup)
        claimed: list[Wakeup] = []
        for shard, candidates in by_shard.items():
            moves = [part for w in candidates for part in (w.name, w.at, until)]
            claimed += [Wakeup(name, until) for name in await self._reschedule(shard, moves)]
        return claimed

    async def release(self, claimed: Wakeup, at: Instant | None) -> None:
        shard = self._keys.shard_of(claimed.name)
        await self._reschedule(shard, [claimed.name, claimed.at, "" if at is None else at])

    async def rearm(self, rung: Wakeup, at: Instant) -> None:
        if self._announcer:
            await self._announcer.announce(News(rung.name, at))
        if at != rung.at:
            key = self._keys.session(rung.name)
            await self._redis.run(script("rearm"), [key], [rung.at, at])

    async def census(self) -> Census:
        now, replies = await self._timed(
            [command for shard in self._keys.all_shards for command in self._counting(shard)]
        )
        waiting = [queued_at(stream_id) for oldest in replies[2::4] for stream_id, _ in oldest]
        oldest_at = min(waiting, default=None)
        return Census(
            live_sessions=sum(replies[::4]),
            outbox_length=sum(replies[1::4]),
            outbox_age_ms=elapsed_between(now if oldest_at is None else oldest_at, now),
            dead_letters=sum(replies[3::4]),
            oldest_at=oldest_at,
        )

    async def time(self) -> Instant:
        now, _ = await self._timed([])
        return now

    def _reading(self, name: str) -> Command:
        return ("HMGET", self._keys.session(name), *_SESSION_FIELDS)

    def _counting(self, shard: str) -> list[Command]:
        outbox = self._keys.outbox(shard)
        return [
            ("ZCARD", self._keys.deadlines(shard)),
            ("XLEN", outbox),
            ("XRANGE", outbox, "-", "+", "COUNT", 1),
            ("XLEN", self._keys.dead_letters(shard)),
        ]

    async def _reschedule(self, shard: str, moves: Sequence[Argument]) -> list[str]:
        moved = await self._redis.run(script("reschedule"), [self._keys.deadlines(shard)], moves)
        return [name.decode() for name in moved]

    async def _timed(self, commands: Sequence[Command | Attempt]) -> tuple[Instant, list[Reply]]:
        """Ask, and read the store's clock behind it, which is also a sample for ours."""
        sent = time.monotonic()
        *replies, (seconds, micros) = await self._redis.ask([*commands, ("TIME",)])
        received = time.monotonic()
        micros_in_all = int(seconds) * 1_000_000 + int(micros)
        self._clock.observe(sent, received, micros_in_all / 1e6)
        return Instant(micros_in_all // 1000), replies


def queued_at(stream_id: bytes) -> Instant:
    """When Redis took an entry into a stream: the first half of its id."""
    return Instant(int(stream_id.partition(b"-")[0]))


def _is_large(reply: Reply) -> bool:
    """Whether a session takes ms to decode."""
    _, state, _ = reply
    return state is not None and len(state) > LARGE_BYTES


def _loaded(
    now: Instant,
    reply: Reply,
    recorded: RecordedAnswer | None = None,
    quotas: tuple[Quota, ...] = (),
) -> Loaded:
    operations, state, alarm = reply
    is_deleted = operations is not None and state is None
    alarm_at = Instant(int(alarm)) if alarm else None
    return Loaded(
        now, codec.decode_stored(operations, state), recorded, is_deleted, alarm_at, quotas
    )
