"""`Outbox` in Redis streams: one stream a shard, emptied through a consumer group."""

from collections.abc import AsyncIterator, Collection, Sequence

from shared.audit import entries
from shared.audit.ports import Delivery, Moment
from shared.domain.units import Millis
from shared.store.connection import Argument, Connection, each_that_can, script
from shared.store.keys import Keys
from shared.store.sessions import queued_at

_GROUP = "audit"
_LEASE = Millis(2_000)
"""After this long without a word from it another worker takes the place of the one at work."""

_PAGE = 500


class RedisOutbox:
    """What `commit.lua` put into the streams, on its way out."""

    def __init__(self, redis: Connection, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    async def take(self, worker: str, limit: int, most_bytes: int) -> list[Delivery]:
        """See `Outbox`. Shards that can't be reached are left out, unless none can."""
        arguments: list[Argument] = [worker, _LEASE, _GROUP, limit, most_bytes]
        replies = await each_that_can(
            self._redis.run(
                script("take"), [self._keys.drainer(shard), self._keys.outbox(shard)], arguments
            )
            for shard in self._keys.all_shards
        )
        return [
            _delivery(shard, stream_id, fields)
            for shard, reply in zip(self._keys.all_shards, replies, strict=True)
            for stream_id, fields in reply or ()
        ]

    async def settle(self, deliveries: Sequence[Delivery]) -> None:
        """See `Outbox`. What is on a shard that can't be reached is delivered again."""
        by_shard: dict[str, list[str]] = {}
        for delivery in deliveries:
            by_shard.setdefault(delivery.shard, []).append(delivery.id)
        await each_that_can(
            self._redis.run(script("settle"), [self._keys.outbox(shard)], [_GROUP, *ids])
            for shard, ids in by_shard.items()
        )

    async def park(self, delivery: Delivery, reason: str) -> None:
        keys = [self._keys.outbox(delivery.shard), self._keys.dead_letters(delivery.shard)]
        arguments: list[Argument] = [_GROUP, delivery.id, delivery.entry or b"", reason]
        await self._redis.run(script("park"), keys, arguments)

    async def waiting(self, name: str) -> list[Moment]:
        shard = self._keys.shard_of(name)
        own = [e async for e in self._entries(shard) if _owner_of(e) == name]
        return [moment for moment in map(_moment_of, own) if moment]

    async def newest(self, shards: Collection[str]) -> dict[str, Moment]:
        latest: dict[str | None, bytes] = {}
        for shard in shards:
            async for entry in self._entries(shard):
                latest[_owner_of(entry)] = entry
        moments = [moment for moment in map(_moment_of, latest.values()) if moment]
        return {moment.session.name: moment for moment in moments}

    async def _entries(self, shard: str) -> AsyncIterator[bytes]:
        outbox, start = self._keys.outbox(shard), "-"
        while True:
            (page,) = await self._redis.ask([("XRANGE", outbox, start, "+", "COUNT", _PAGE)])
            for _, fields in page:
                entry = _entry_in(fields)
                if entry is not None:
                    yield entry
            if len(page) < _PAGE:
                return
            start = f"({page[-1][0].decode()}"


def _owner_of(entry: bytes) -> str | None:
    """The session that an entry is of; None for what was put there by hand and is none."""
    try:
        return entries.name_of(entry).session_name
    except ValueError:
        return None


def _moment_of(entry: bytes) -> Moment | None:
    try:
        return entries.moment_of(entry)
    except ValueError:
        return None


def _delivery(shard: str, stream_id: bytes, fields: list[bytes]) -> Delivery:
    return Delivery(shard, stream_id.decode(), queued_at(stream_id), _entry_in(fields))


def _entry_in(fields: list[bytes]) -> bytes | None:
    return dict(zip(fields[::2], fields[1::2], strict=True)).get(b"entry")
