"""`SessionStore` over Redis' native protocol."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.commands.core import AsyncScript
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from shared.audit import entries
from shared.clock import StoreClock
from shared.domain.units import DAY, Instant, elapsed_between
from shared.errors import StoreUnavailable
from shared.ports import (
    Agenda,
    AnsweredBefore,
    Census,
    Commit,
    CommitResult,
    Committed,
    IdempotencyKey,
    Loaded,
    RecordedAnswer,
    Stored,
    Superseded,
    Wakeup,
)
from shared.snapshot import decode_session, encode_session
from shared.store import codec
from shared.store.keys import OUTBOX_CHANNEL, WAKE_CHANNEL, Keys, push_channel

_SCRIPTS = Path(__file__).parent / "scripts"
_CONNECT_TIMEOUT_S = 0.5
_REPLY_TIMEOUT_S = 0.6
_MAX_CONNECTIONS = 64


def connect(url: str) -> Redis:
    """A client with a bounded pool and bounded waits.

    A connection that died while idle is replaced once, silently: every command we send may be
    repeated (a commit is recognised by its operation id).
    """
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=_MAX_CONNECTIONS,
        timeout=_REPLY_TIMEOUT_S,
        socket_timeout=_REPLY_TIMEOUT_S,
        socket_connect_timeout=_CONNECT_TIMEOUT_S,
        retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
    )
    return Redis.from_pool(pool)


def script(redis: Redis, name: str) -> AsyncScript:
    """A script of ours, sent by its digest."""
    return redis.register_script((_SCRIPTS / f"{name}.lua").read_text())


@contextmanager
def reporting_outages() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError) as error:
        raise StoreUnavailable from error


class RedisSessionStore:
    """Sessions in any Redis from 6.2 on, Valkey included."""

    def __init__(self, redis: Redis, keys: Keys, clock: StoreClock) -> None:
        self._redis = redis
        self._keys = keys
        self._clock = clock
        self._commit_script = script(redis, "commit")
        self._reschedule_script = script(redis, "reschedule")

    def creation_scope(self, key: str, session_id: str | None) -> str:
        return self._keys.creation_scope(key, session_id)

    def new_session_id(self, scope: str | None) -> str:
        return self._keys.new_session_id(scope)

    async def load(self, session_id: str, key: IdempotencyKey | None = None) -> Loaded:
        """See `SessionStore`. The session is read first and the time last: no reply is older
        than one before it, so a recorded answer is never missed beside the state it left."""
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.hmget(self._keys.session(session_id), "operations", "state")
        if key:
            pipeline.get(self._keys.answer(key))
        now, replies = await self._timed(pipeline)
        recorded = codec.decode_answer(replies[1]) if key and replies[1] else None
        return _loaded(now, replies[0], recorded)

    async def load_many(self, session_ids: Sequence[str]) -> tuple[Instant, list[Loaded]]:
        pipeline = self._redis.pipeline(transaction=False)
        for session_id in session_ids:
            pipeline.hmget(self._keys.session(session_id), "operations", "state")
        now, replies = await self._timed(pipeline)
        return now, [_loaded(now, reply) for reply in replies]

    async def commit(self, commit: Commit) -> CommitResult:
        shard = self._keys.shard_of(commit.session_id)
        keys = [
            self._keys.session(commit.session_id),
            self._keys.deadlines(shard),
            self._keys.outbox(shard),
        ]
        answer: bytes = b""
        if commit.key and commit.answer:
            keys.append(self._keys.answer(commit.key))
            answer = codec.encode_answer(RecordedAnswer(commit.key.fingerprint, commit.answer))
        audited = entries.encode(commit)
        arguments: list[str | int | bytes] = [
            commit.session_id,
            commit.expected or "",
            commit.operation_id,
            encode_session(commit.session) if commit.session else b"",
            commit.retention_ms,
            "" if commit.wake_at is None else commit.wake_at,
            push_channel(commit.session_id),
            WAKE_CHANNEL,
            answer,
            DAY,
            OUTBOX_CHANNEL,
            len(audited),
            *audited,
            *commit.pushes,
        ]
        with reporting_outages():
            reply = await self._commit_script(keys=keys, args=arguments)
        return _commit_result(reply)

    async def agenda(self, limit: int) -> Agenda:
        pipeline = self._redis.pipeline(transaction=False)
        for shard in self._keys.all_shards:
            pipeline.zrange(self._keys.deadlines(shard), 0, limit - 1, withscores=True)
        now, replies = await self._timed(pipeline)
        wakeups = [
            Wakeup(member.decode(), Instant(int(score)))
            for reply in replies
            for member, score in reply
        ]
        return Agenda(now, tuple(sorted(wakeups, key=lambda w: w.at)))

    async def claim(self, wakeups: Sequence[Wakeup], until: Instant) -> list[Wakeup]:
        by_shard: dict[str, list[Wakeup]] = {}
        for wakeup in wakeups:
            by_shard.setdefault(self._keys.shard_of(wakeup.session_id), []).append(wakeup)
        claimed: list[Wakeup] = []
        for shard, candidates in by_shard.items():
            moves = [part for w in candidates for part in (w.session_id, w.at, until)]
            claimed += [Wakeup(name, until) for name in await self._reschedule(shard, moves)]
        return claimed

    async def release(self, claimed: Wakeup, at: Instant | None) -> None:
        shard = self._keys.shard_of(claimed.session_id)
        await self._reschedule(shard, [claimed.session_id, claimed.at, "" if at is None else at])

    async def census(self) -> Census:
        pipeline = self._redis.pipeline(transaction=False)
        for shard in self._keys.all_shards:
            pipeline.zcard(self._keys.deadlines(shard))
            pipeline.xlen(self._keys.outbox(shard))
            pipeline.xrange(self._keys.outbox(shard), count=1)
            pipeline.xlen(self._keys.dead_letters(shard))
        now, replies = await self._timed(pipeline)
        oldest = [queued_at(stream_id) for waiting in replies[2::4] for stream_id, _ in waiting]
        return Census(
            live_sessions=sum(replies[::4]),
            outbox_length=sum(replies[1::4]),
            outbox_age_ms=elapsed_between(min(oldest, default=now), now),
            dead_letters=sum(replies[3::4]),
        )

    async def time(self) -> Instant:
        now, _ = await self._timed(self._redis.pipeline(transaction=False))
        return now

    async def _reschedule(self, shard: str, moves: Sequence[str | int]) -> list[str]:
        with reporting_outages():
            moved = await self._reschedule_script(
                keys=[self._keys.deadlines(shard)], args=list(moves)
            )
        return [name.decode() for name in moved]

    async def _timed(self, pipeline: Any) -> tuple[Instant, list[Any]]:
        """Run `pipeline` and read the store's clock behind it, which is also a sample for ours."""
        pipeline.time()
        with reporting_outages():
            sent = time.monotonic()
            *replies, (seconds, micros) = await pipeline.execute()
            self._clock.observe(sent, time.monotonic(), seconds + micros / 1e6)
        return Instant(seconds * 1000 + micros // 1000), replies


def queued_at(stream_id: bytes) -> Instant:
    """When Redis took an entry into a stream: the first half of its id."""
    return Instant(int(stream_id.partition(b"-")[0]))


def _loaded(now: Instant, reply: list[Any], recorded: RecordedAnswer | None = None) -> Loaded:
    operations, state = reply
    is_deleted = operations is not None and state is None
    return Loaded(now, _stored(operations, state), recorded, is_deleted)


def _stored(operations: bytes | None, state: bytes | None) -> Stored | None:
    if operations is None or state is None:
        return None
    return Stored(decode_session(state), operations.split(b" ", 1)[0].decode())


def _commit_result(reply: list[Any]) -> CommitResult:
    match reply:
        case [b"done"]:
            return Committed()
        case [b"answered", recorded]:
            return AnsweredBefore(codec.decode_answer(recorded))
        case [b"superseded", revision, *state]:
            return Superseded(_stored(revision, state[0] if state else None))
        case _:
            raise StoreUnavailable
