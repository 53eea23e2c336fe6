"""`Outbox` over Redis streams: one stream a shard, emptied through a consumer group."""

from collections.abc import AsyncIterator, Sequence
from itertools import groupby
from typing import Any

from redis.asyncio import Redis

from shared.audit import entries
from shared.audit.ports import Delivery, Moment
from shared.domain.units import Millis
from shared.store.keys import Keys
from shared.store.redis import queued_at, reporting_outages, script

_GROUP = "audit"
_LEASE = Millis(2_000)
"""After this long without a word from it another worker takes the place of the one at work."""

_PAGE = 500


class RedisOutbox:
    """What `commit.lua` put into the streams, on its way out."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys
        self._take_script = script(redis, "take")

    async def take(self, worker: str, limit: int) -> list[Delivery]:
        taken: list[Delivery] = []
        for shard in self._keys.all_shards:
            keys = [self._keys.drainer(shard), self._keys.outbox(shard)]
            with reporting_outages():
                reply = await self._take_script(keys=keys, args=[worker, _LEASE, _GROUP, limit])
            taken += [_delivery(shard, stream_id, fields) for stream_id, fields in reply]
        return taken

    async def settle(self, deliveries: Sequence[Delivery]) -> None:
        for shard, of_shard in groupby(deliveries, lambda delivery: delivery.shard):
            outbox, ids = self._keys.outbox(shard), [delivery.id for delivery in of_shard]
            with reporting_outages():
                async with self._redis.pipeline(transaction=True) as pipeline:
                    pipeline.xack(outbox, _GROUP, *ids)
                    pipeline.xdel(outbox, *ids)
                    await pipeline.execute()

    async def park(self, delivery: Delivery, reason: str) -> None:
        outbox = self._keys.outbox(delivery.shard)
        letter: dict[Any, Any] = {
            "id": delivery.id,
            "entry": delivery.entry or b"",
            "reason": reason,
        }
        with reporting_outages():
            async with self._redis.pipeline(transaction=True) as pipeline:
                pipeline.xadd(self._keys.dead_letters(delivery.shard), letter)
                pipeline.xack(outbox, _GROUP, delivery.id)
                pipeline.xdel(outbox, delivery.id)
                await pipeline.execute()

    async def waiting(self, session_id: str) -> list[Moment]:
        shard = self._keys.shard_of(session_id)
        own = [e async for e in self._entries(shard) if _owner_of(e) == session_id]
        return [moment for moment in map(_moment_of, own) if moment]

    async def newest(self) -> dict[str, Moment]:
        latest: dict[str | None, bytes] = {}
        for shard in self._keys.all_shards:
            async for entry in self._entries(shard):
                latest[_owner_of(entry)] = entry
        moments = [moment for moment in map(_moment_of, latest.values()) if moment]
        return {moment.session.session_id: moment for moment in moments}

    async def _entries(self, shard: str) -> AsyncIterator[bytes]:
        outbox, start = self._keys.outbox(shard), "-"
        while True:
            with reporting_outages():
                page: list[Any] = await self._redis.xrange(outbox, start, "+", _PAGE) or []
            for _, fields in page:
                if b"entry" in fields:
                    yield fields[b"entry"]
            if len(page) < _PAGE:
                return
            start = f"({page[-1][0].decode()}"


def _owner_of(entry: bytes) -> str | None:
    """The session that an entry is of; None for what was put there by hand and is none."""
    try:
        return entries.name_of(entry).session_id
    except ValueError:
        return None


def _moment_of(entry: bytes) -> Moment | None:
    try:
        return entries.moment_of(entry)
    except ValueError:
        return None


def _delivery(shard: str, stream_id: bytes, fields: list[bytes]) -> Delivery:
    named = dict(zip(fields[::2], fields[1::2], strict=True))
    return Delivery(shard, stream_id.decode(), queued_at(stream_id), named.get(b"entry"))
