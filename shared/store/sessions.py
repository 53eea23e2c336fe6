"""`SessionStore` in Redis: sessions and their wake-ups, each changed in one atomic script."""

import time
from collections.abc import Awaitable, Iterator, Sequence

from shared.application.errors import StoreUnavailable
from shared.application.event_loop import LARGE_BYTES, LARGE_SESSION, yield_to_event_loop
from shared.application.ports.commit import (
    UNLIMITED,
    Commit,
    CommitResult,
    Committed,
    IdempotencyKey,
    IdempotencyRecord,
    OwnerLimits,
    QuotaExceeded,
    RevisionConflict,
)
from shared.application.ports.data_loss import Epoch
from shared.application.ports.notifier import CommitNotification, Notifier
from shared.application.ports.rate_limit import RateLimit, RateLimitState
from shared.application.ports.session_store import (
    BatchLoadResult,
    LoadResult,
    ShardWakeups,
    StoreStatistics,
    WaitingWork,
    Wakeup,
)
from shared.application.ports.token_revocations import SessionToken
from shared.application.rendered_pushes import RenderedPushes
from shared.application.store_clock import StoreClock
from shared.application.test_traffic import note_session
from shared.domain.units import DAY, Instant, Millis, elapsed_between
from shared.domain.values import replace
from shared.store import codec
from shared.store.commit_script import (
    DEFAULT_FEATURES,
    CommitFeatures,
    commit_call,
    is_undivided,
    most_bytes,
    parse_commit_reply,
)
from shared.store.connection import (
    Argument,
    Command,
    OptionalScript,
    Reply,
    StoreConnection,
    gather_available,
    load_script,
)
from shared.store.keys import StoreKeys
from shared.store.rate_counters import RateLimitCounters
from shared.store.session_cache import SessionCache
from shared.store.session_fields import (
    COMMON_FIELDS,
    Fields,
    SessionWrite,
    fields_of,
    fields_to_write,
    is_stored_in_parts,
    size_of,
)
from shared.store.token_revocations import is_revoked, revocation_command
from shared.store.webhook_readers import WEBHOOKS

TIME: Command = ("TIME",)


class RedisSessionStore:
    """Sessions in a Redis, over any kind of connection.

    `features` selects the parts of a commit that are needed. `notifier` is notified of each commit,
    including the alarm to be set if `features.sets_alarms`. `rendered` keeps the pushes of a commit
    for this instance's own clients.
    """

    def __init__(
        self,
        redis: StoreConnection,
        keys: StoreKeys,
        clock: StoreClock,
        *,
        features: CommitFeatures = DEFAULT_FEATURES,
        notifier: Notifier | None = None,
        rendered: RenderedPushes | None = None,
    ) -> None:
        self._redis = redis
        self._keys = keys
        self._clock = clock
        self._features = features
        self._notifier = notifier
        self._rendered = rendered or RenderedPushes()
        self._counters = RateLimitCounters(keys, clock)
        self._recent = SessionCache()
        self._clock_shard = keys.all_shards[0]

    def creation_scope(self, key: str, name: str | None) -> str:
        return self._keys.creation_scope(key, name)

    def new_session_id(self, scope: str | None, tenant: str | None) -> str:
        return self._keys.new_session_id(scope, tenant)

    async def load(
        self,
        name: str,
        key: IdempotencyKey | None = None,
        limits: Sequence[RateLimit] = (),
        *,
        token: SessionToken | None = None,
        with_epoch: bool = False,
    ) -> LoadResult:
        """See `SessionStore`. Reads the session before the recorded answer and the time last: no
        reply is older than one before it, so if the state has a request's change, the recorded
        answer is found too. Takes a second round trip if the cache has an older revision of a
        session in parts."""
        counting = self._counters.attempts(limits)
        reading = self._read_command(name)
        commands: list[Command | OptionalScript] = [*counting, reading]
        if key:
            commands.append(("GET", self._keys.answer(key)))
        if token:
            commands.append(revocation_command(self._keys, token))
        shard, epoch = self._keys.shard_of(name), None
        marker = self._keys.whole(shard) if with_epoch else None
        if marker and self._redis.route(marker) is None:
            marker = None
        if marker:
            commands.append(("GET", marker))
        commands.append(TIME)
        sent = time.monotonic()
        replies = await self._redis.ask(commands)
        now = self._instant(replies.pop(), sent, shard)
        if marker and (found := replies.pop()) and (route := self._redis.route(marker)):
            epoch = (found.decode(), route)  # in the form of `RedisDataLossDetector.epochs`
        is_now_revoked = token is not None and is_revoked(token, replies.pop())
        quotas = self._counters.quotas(limits, replies[: len(counting)])
        fields = _fields_in(reading, replies[len(counting)])
        if self._lacks_parts(name, reading, fields):
            self._recent.drop(name)
            whole = await self.load(name, key, with_epoch=with_epoch)
            return replace(whole, quotas=quotas, is_revoked=is_now_revoked)
        answer = replies[len(counting) + 1] if key else None
        recorded = codec.decode_record(answer) if answer else None
        return await self._loaded(name, now, fields, recorded, quotas, epoch, is_now_revoked)

    async def load_many(
        self,
        names: Sequence[str],
        limits: Sequence[RateLimit] = (),
        token: SessionToken | None = None,
    ) -> BatchLoadResult:
        """See `SessionStore`. Reads the sessions of a shard together with the time of its server,
        because servers may have different clocks."""
        counting = self._counters.attempts(limits)
        by_shard = self._keys.by_shard(names) or {self._clock_shard: []}
        reading = {name: self._read_command(name) for name in names}
        commands: list[Command | OptionalScript] = [*counting]
        for of_shard in by_shard.values():
            commands += [*(reading[name] for name in of_shard), TIME]
        if token:
            commands.append(revocation_command(self._keys, token))
        sent = time.monotonic()
        replies = await self._redis.ask(commands)
        is_now_revoked = token is not None and is_revoked(token, replies.pop())
        quotas = self._counters.quotas(limits, replies[: len(counting)])
        rest = iter(replies[len(counting) :])
        found: dict[str, LoadResult] = {}
        instants: list[Instant] = []
        for shard, of_shard in by_shard.items():
            read = [next(rest) for _ in of_shard]
            now = self._instant(next(rest), sent, shard)
            for name, reply in zip(of_shard, read, strict=True):
                fields = _fields_in(reading[name], reply)
                if self._lacks_parts(name, reading[name], fields):
                    self._recent.drop(name)
                else:
                    found[name] = await self._loaded(name, now, fields)
            instants.append(now)
        if lacking := [name for name in reading if name not in found]:
            whole = await self.load_many(lacking)
            found |= zip(lacking, whole.sessions, strict=True)
            instants.append(whole.now)
        loaded = [found[name] for name in names]
        return BatchLoadResult(max(instants), loaded, quotas, is_now_revoked)

    async def commit(self, commit: Commit) -> CommitResult:
        """See `SessionStore`. The owner's limits apply per shard (`share_of_shard`), because one
        commit can't read other shards."""
        if commit.session and len(commit.session.participants) > LARGE_SESSION:
            await yield_to_event_loop()
        if commit.session:
            note_session(commit.session)
        last_whole = commit.last_whole if self._features.audits else None
        write = fields_to_write(commit.base, commit.session, last_whole)
        self._rendered.keep(commit.name, commit.pushes)
        reply = await self._run(commit, write)
        if is_undivided(reply):
            reply = await self._run(commit, fields_to_write(None, commit.session, last_whole))
        if reply[0] == b"done" and self._notifier:
            alarm_at = commit.alarm_at if reply[2] and self._features.sets_alarms else None
            await self._notifier.notify(
                CommitNotification(
                    commit.name,
                    alarm_at,
                    bool(reply[1]),
                    tuple(commit.pushes),
                    any(change.expiry for change in commit.changes),
                )
            )
        return self._result_of(reply, commit, write.size)

    def _run(self, commit: Commit, write: SessionWrite) -> Awaitable[Reply]:
        keys, arguments = commit_call(commit, write, self._keys, self._features)
        return self._redis.run(load_script("commit"), keys, arguments)

    def _result_of(self, reply: Reply, commit: Commit, size: int) -> CommitResult:
        """Return the result of the commit, and update what the instance keeps of sessions."""
        result = parse_commit_reply(reply)
        if isinstance(result, Committed) and (stored := commit.stored):
            self._recent.keep(commit.name, stored, size)
        elif isinstance(result, Committed | RevisionConflict):
            self._recent.drop(commit.name)
        if not isinstance(result, Committed):
            self._rendered.discard(commit.name, commit.pushes)
        return result

    async def _loaded(
        self,
        name: str,
        now: Instant,
        fields: Fields,
        recorded: IdempotencyRecord | None = None,
        quotas: tuple[RateLimitState, ...] = (),
        epoch: Epoch | None = None,
        is_now_revoked: bool = False,
    ) -> LoadResult:
        if not fields:
            return LoadResult(
                now, None, recorded, quotas=quotas, epoch=epoch, is_revoked=is_now_revoked
            )
        stored = self._recent.known(name, fields)
        if stored is None:
            if size_of(fields) > LARGE_BYTES:
                await yield_to_event_loop()
            stored = self._recent.decoded(name, fields)
        if stored:
            note_session(stored.session)
        is_deleted = stored is None and b"operations" in fields
        alarm = fields.get(b"alarm")
        alarm_at = Instant(int(alarm)) if alarm else None
        return LoadResult(
            now, stored, recorded, is_deleted, alarm_at, quotas, epoch, is_now_revoked
        )

    async def remember(
        self,
        key: IdempotencyKey,
        record: bytes,
        owner: str | None = None,
        limits: OwnerLimits = UNLIMITED,
    ) -> bytes | QuotaExceeded:
        """See `SessionStore`. An owner's bytes are counted for each shard."""
        keys, arguments = [self._keys.record(key)], list[Argument]((record, DAY))
        if owner:
            keys.append(self._keys.held(self._keys.shard_of(key.scope), owner))
            arguments.append(most_bytes(limits, self._keys))
        kept: bytes | None = await self._redis.run(load_script("remember"), keys, arguments)
        return QuotaExceeded("bytes") if kept is None else kept

    async def due_wakeups(self, limit: int) -> list[ShardWakeups]:
        reading = [
            [("ZRANGE", self._keys.deadlines(shard), 0, limit - 1, "WITHSCORES"), TIME]
            for shard in self._keys.all_shards
        ]
        sent = time.monotonic()
        outcomes = await self._redis.execute_groups(reading)
        shards: list[ShardWakeups] = []
        for shard, outcome in zip(self._keys.all_shards, outcomes, strict=True):
            if not isinstance(outcome, StoreUnavailable):
                scored, time_reply = outcome
                now = self._instant(time_reply, sent, shard)
                shards.append(ShardWakeups(now, tuple(_wakeups(scored))))
        return shards

    async def claim(self, wakeups: Sequence[Wakeup], until: Instant) -> list[Wakeup]:
        by_name = {wakeup.name: wakeup for wakeup in wakeups}
        claimed: list[Wakeup] = []
        for shard, names in self._keys.by_shard(by_name).items():
            moves = [part for n in names for part in (n, by_name[n].at, until)]
            claimed += [Wakeup(name, until) for name in await self._reschedule(shard, moves)]
        return claimed

    async def release(self, claimed: Wakeup, at: Instant | None) -> None:
        shard = self._keys.shard_of(claimed.name)
        await self._reschedule(shard, [claimed.name, claimed.at, "" if at is None else at])

    async def reschedule_alarm(self, due: Wakeup, at: Instant) -> None:
        if self._notifier:
            await self._notifier.notify(CommitNotification(due.name, at))
        if at != due.at:
            key = self._keys.session(due.name)
            await self._redis.run(load_script("reschedule_alarm"), [key], [due.at, at])

    async def waiting_work(self) -> WaitingWork:
        shards = self._keys.all_shards
        found = [one for one in await gather_available(map(self._work_of, shards)) if one]
        return WaitingWork(
            has_lost_data=any(one.has_lost_data for one in found),
            wakeups=sum(one.wakeups for one in found),
            entries=sum(one.entries for one in found),
            pending_pushes=sum(one.pending_pushes for one in found),
            webhooks=sum(one.webhooks for one in found),
            has_webhooks=any(one.has_webhooks for one in found),
        )

    async def statistics(self) -> StoreStatistics:
        """See `SessionStore`. Shards that can't be reached are left out."""
        outcomes = await self._redis.execute_groups(
            [[*self._statistics_commands(shard), TIME] for shard in self._keys.all_shards]
        )
        counted = [one for one in outcomes if not isinstance(one, StoreUnavailable)]
        waiting = [stream_id_time(i) for _, _, oldest, *_ in counted for i, _ in oldest]
        return StoreStatistics(
            live_sessions=sum(live - tests for live, _, _, _, tests, _ in counted),
            outbox_length=sum(length for _, length, *_ in counted),
            outbox_age_ms=Millis(max(_age(oldest, now) for _, _, oldest, _, _, now in counted)),
            dead_letters=sum(dead for _, _, _, dead, *_ in counted),
            oldest_at=min(waiting, default=None),
        )

    async def time(self) -> Instant:
        sent = time.monotonic()
        (now,) = await self._redis.ask([TIME])
        return self._instant(now, sent, self._clock_shard)

    def _read_command(self, name: str) -> Command:
        """Read all fields of a session, but not the participants of one in parts that is cached.

        That one is probably unchanged. All other sessions, existing or not, take the same command,
        so that its time doesn't show a host whether another owner's session exists.
        """
        key = self._keys.session(name)
        if self._recent.has_in_parts(name):
            return ("HMGET", key, *COMMON_FIELDS)
        return ("HGETALL", key)

    def _lacks_parts(self, name: str, reading: Command, fields: Fields) -> bool:
        """Whether participants are missing in `fields`, and in the cache at this revision."""
        return (
            reading[0] == "HMGET"
            and is_stored_in_parts(fields)
            and self._recent.known(name, fields) is None
        )

    def _statistics_commands(self, shard: str) -> list[Command]:
        outbox = self._keys.outbox(shard)
        return [
            ("ZCARD", self._keys.deadlines(shard)),
            ("XLEN", outbox),
            ("XRANGE", outbox, "-", "+", "COUNT", 1),
            ("XLEN", self._keys.dead_letters(shard)),
            ("ZCOUNT", self._keys.test_sessions(shard), f"({self._clock.now()}", "+inf"),
        ]

    async def _work_of(self, shard: str) -> WaitingWork:
        keys = [
            self._keys.whole(shard),
            self._keys.deadlines(shard),
            self._keys.outbox(shard),
            self._keys.pending_pushes(shard),
            self._keys.webhooks_due(shard),
        ]
        reply = await self._redis.run(load_script("work"), keys, [WEBHOOKS])
        is_whole, wakeups, entries, pending_pushes, webhooks, is_read = reply
        return WaitingWork(
            has_lost_data=not is_whole,
            wakeups=wakeups,
            entries=entries,
            pending_pushes=pending_pushes,
            webhooks=webhooks,
            has_webhooks=bool(is_read),
        )

    async def _reschedule(self, shard: str, moves: Sequence[Argument]) -> list[str]:
        return await reschedule(self._redis, self._keys.deadlines(shard), moves)

    def _instant(self, time_reply: Reply, sent: float, shard: str) -> Instant:
        """Return the time in a reply to `TIME`, and use it as a sample for the store clock.

        Servers may have different clocks. The store clock follows the server of the first shard, or
        any other one if it got no sample from that for too long.
        """
        micros = micros_of(time_reply)
        if shard == self._clock_shard or self._clock.is_stale:
            self._clock.observe(sent, time.monotonic(), micros / 1e6)
        return Instant(micros // 1000)


def micros_of(time_reply: Reply) -> int:
    """Convert the reply to `TIME` to microseconds."""
    seconds, micros = time_reply
    return int(seconds) * 1_000_000 + int(micros)


async def reschedule(redis: StoreConnection, key: str, moves: Sequence[Argument]) -> list[str]:
    """Change members of the sorted set `key`; return those that were changed.

    A move is a member, its expected score and its new score; "" removes it.
    """
    return [name.decode() for name in await redis.run(load_script("reschedule"), [key], moves)]


def _fields_in(reading: Command, reply: Reply) -> Fields:
    """Return the fields of a session in the reply to `HGETALL`, or `HMGET` of `COMMON_FIELDS`."""
    if reading[0] == "HGETALL":
        return fields_of(reply)
    return {name: value for name, value in zip(COMMON_FIELDS, reply, strict=True) if value}


def _wakeups(scored: Reply) -> Iterator[Wakeup]:
    for member, score in zip(scored[::2], scored[1::2], strict=True):
        yield Wakeup(member.decode(), Instant(int(float(score))))


def _age(oldest: Reply, time_reply: Reply) -> int:
    """Return how long the oldest entry of an outbox has waited, in ms; 0 if it is empty."""
    now = Instant(micros_of(time_reply) // 1000)
    return max(
        (elapsed_between(stream_id_time(stream_id), now) for stream_id, _ in oldest), default=0
    )


def stream_id_time(stream_id: bytes) -> Instant:
    """Return when Redis added an entry to a stream: the first half of its id."""
    return Instant(int(stream_id.partition(b"-")[0]))
