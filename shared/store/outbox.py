"""`Outbox` in Redis streams: one stream a shard, emptied through a consumer group."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from itertools import groupby
from types import MappingProxyType

from shared.audit import entries
from shared.audit.ports import Delivery, Moment
from shared.domain.units import Millis
from shared.store.connection import Command, Connection, script
from shared.store.keys import Keys
from shared.store.sessions import queued_at

_GROUP = "audit"
_LEASE = Millis(2_000)
"""After this long without a word from it another worker takes the place of the one at work."""

_PAGE = 500
_MOST_BYTES = 1 << 20
"""Of one reply: Upstash answers at most 10 MB, and JSON makes an entry up to twice as long."""


class RedisOutbox:
    """What `commit.lua` put into the streams, on its way out."""

    def __init__(self, redis: Connection, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys
        self._first_shard = 0

    async def take(
        self,
        worker: str,
        most: int,
        most_bytes: int = _MOST_BYTES,
        after: Mapping[str, str] = MappingProxyType({}),
    ) -> list[Delivery]:
        """See `Outbox`. It begins with another shard each time, so that none waits for the rest."""
        shards = self._keys.all_shards
        self._first_shard = (self._first_shard + 1) % len(shards)
        taken: list[Delivery] = []
        for shard in shards[self._first_shard :] + shards[: self._first_shard]:
            left = most - len(taken)
            bytes_left = most_bytes - sum(len(delivery.entry or b"") for delivery in taken)
            if left <= 0 or bytes_left <= 0:
                break
            keys = [self._keys.drainer(shard), self._keys.outbox(shard)]
            bounds = (left, bytes_left, _behind(after.get(shard)))
            reply = await self._redis.run(script("take"), keys, (worker, _LEASE, _GROUP, *bounds))
            taken += [_delivery(shard, stream_id, fields) for stream_id, fields in reply]
        return taken

    async def renew(self, worker: str, shards: Iterable[str]) -> None:
        drainers = [self._keys.drainer(shard) for shard in shards]
        holders = await self._redis.ask([("GET", drainer) for drainer in drainers])
        own = [key for key, by in zip(drainers, holders, strict=True) if by == worker.encode()]
        if own:
            await self._redis.ask([("PEXPIRE", drainer, _LEASE) for drainer in own])

    async def settle(self, deliveries: Sequence[Delivery]) -> None:
        for shard, of_shard in groupby(deliveries, lambda delivery: delivery.shard):
            await self._redis.transact(self._dropping(shard, [d.id for d in of_shard]))

    async def park(self, delivery: Delivery, reason: str) -> None:
        letter = ("id", delivery.id, "entry", delivery.entry or b"", "reason", reason)
        parking = ("XADD", self._keys.dead_letters(delivery.shard), "*", *letter)
        await self._redis.transact([parking, *self._dropping(delivery.shard, [delivery.id])])

    async def waiting(self, name: str) -> list[Moment]:
        shard = self._keys.shard_of(name)
        own = [e async for e in self._entries(shard) if _owner_of(e) == name]
        return [moment for moment in map(_moment_of, own) if moment]

    async def newest(self) -> dict[str, Moment]:
        latest: dict[str | None, bytes] = {}
        for shard in self._keys.all_shards:
            async for entry in self._entries(shard):
                latest[_owner_of(entry)] = entry
        moments = [moment for moment in map(_moment_of, latest.values()) if moment]
        return {moment.session.name: moment for moment in moments}

    def _dropping(self, shard: str, ids: Sequence[str]) -> list[Command]:
        outbox = self._keys.outbox(shard)
        return [("XACK", outbox, _GROUP, *ids), ("XDEL", outbox, *ids)]

    async def _entries(self, shard: str) -> AsyncIterator[bytes]:
        outbox, start, has_more = self._keys.outbox(shard), "-", True
        while has_more:
            has_more, page = await self._redis.run(
                script("page"), [outbox], [start, _PAGE, _MOST_BYTES]
            )
            for stream_id, fields in page:
                start = f"({stream_id.decode()}"
                entry = _entry_in(fields)
                if entry is not None:
                    yield entry


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


def _behind(stream_id: str | None) -> str:
    """The first id that can follow `stream_id`."""
    if stream_id is None:
        return "0-0"
    milliseconds, _, sequence = stream_id.partition("-")
    return f"{milliseconds}-{int(sequence) + 1}"


def _entry_in(fields: list[bytes]) -> bytes | None:
    return dict(zip(fields[::2], fields[1::2], strict=True)).get(b"entry")
