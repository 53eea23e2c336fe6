"""`Outbox` in Redis streams: one stream per shard, read through a consumer group."""

import time
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType

from shared.application import audit_entries
from shared.application.errors import StoreUnavailable
from shared.application.event_loop import LARGE_BYTES, yield_to_event_loop
from shared.application.ports.audit_log import NoWebhook, QueuedEntry, SessionSnapshot
from shared.application.snapshots import completed
from shared.domain.session import Session
from shared.domain.units import Millis
from shared.store.connection import Argument, StoreConnection, gather_available, load_script
from shared.store.keys import StoreKeys
from shared.store.outbox_scans import SharedScans
from shared.store.sessions import stream_id_time
from shared.store.webhook_readers import WEBHOOKS, WebhookReaders

AUDIT = "audit"
"""The group of workers that read the outbox for the trail."""

_LEASE = Millis(2_000)
"""A worker that doesn't renew its lease for so long is replaced by another one."""

_RECONCILE_S = 3_600.0
"""Time between two corrections of the sets of webhooks, s. Interrupted changes leave them wrong.

A correction that was interrupted itself is repeated by the next call."""

_PAGE = 500
_MOST_BYTES = 1 << 20
"""Of one reply. Upstash replies with at most 10 MB, and its JSON doubles an entry's size."""


class RedisOutbox:
    """The audit entries that `commit.lua` added to the streams, as one group of workers sees them.

    An entry that this `group` has settled leaves the stream when the `other` one, if there is one,
    has settled it too. The group of webhooks exists only while there is a webhook; that of the
    trail may still come, so its entries wait for it.
    """

    def __init__(
        self, redis: StoreConnection, keys: StoreKeys, group: str = AUDIT, other: str = ""
    ) -> None:
        self._redis = redis
        self._keys = keys
        self._group = group
        self._other = other
        self._readers = WebhookReaders(redis, keys)
        self._reconcile_at = 0.0
        self._first_shard = 0
        self._walks = {
            shard: SharedScans(partial(self._entries, shard), _session_of)
            for shard in keys.all_shards
        }

    async def take(
        self,
        worker: str,
        most: int,
        most_bytes: int = _MOST_BYTES,
        after: Mapping[str, str] = MappingProxyType({}),
    ) -> list[QueuedEntry]:
        """See `Outbox`. Each call begins with another shard, so that all get their turn.

        Shards without the group of webhooks are opened to it if others have it, because they have
        lost their data or a creation was interrupted. Shards that can't be reached are skipped.
        Raises `StoreUnavailable` if none can be.
        """
        shards = self._keys.all_shards
        self._first_shard = (self._first_shard + 1) % len(shards)
        taken: list[QueuedEntry] = []
        outages: list[StoreUnavailable] = []
        unread: list[str] = []
        for shard in shards[self._first_shard :] + shards[: self._first_shard]:
            left = most - len(taken)
            bytes_left = most_bytes - sum(len(delivery.entry or b"") for delivery in taken)
            if left <= 0 or bytes_left <= 0:
                break
            keys = [self._lease(shard), self._keys.outbox(shard)]
            keys += [self._keys.webhook_ids(shard)] if self._group == WEBHOOKS else []
            bounds = (left, bytes_left, _first_id_after(after.get(shard)))
            try:
                reply = await self._redis.run(
                    load_script("take"), keys, (worker, _LEASE, self._group, *bounds)
                )
            except StoreUnavailable as outage:
                outages.append(outage)
            else:
                if reply is None:
                    unread.append(shard)
                    continue
                taken += [_delivery(shard, stream_id, fields) for stream_id, fields in reply]
        if len(outages) == len(shards):
            raise outages[0]
        if len(unread) + len(outages) == len(shards):
            raise NoWebhook
        if self._group == WEBHOOKS and (unread or time.monotonic() >= self._reconcile_at):
            is_whole = await self._readers.reconcile(unread)
            self._reconcile_at = time.monotonic() + _RECONCILE_S if is_whole else 0.0
        return taken

    async def is_empty(self) -> bool:
        """See `Outbox`. Shards that can't be reached are skipped."""
        lengths = await self._redis.execute_groups(
            [[("XLEN", self._keys.outbox(shard))] for shard in self._keys.all_shards]
        )
        return all(length == [0] or isinstance(length, StoreUnavailable) for length in lengths)

    async def renew(self, worker: str, shards: Iterable[str]) -> None:
        drainers = [self._lease(shard) for shard in shards]
        holders = await self._redis.ask([("GET", drainer) for drainer in drainers])
        own = [key for key, by in zip(drainers, holders, strict=True) if by == worker.encode()]
        if own:
            await self._redis.ask([("PEXPIRE", drainer, _LEASE) for drainer in own])

    async def settle(self, deliveries: Sequence[QueuedEntry]) -> None:
        """See `Outbox`. Entries of a shard that can't be reached are delivered again later."""
        by_shard: dict[str, list[str]] = {}
        for delivery in deliveries:
            by_shard.setdefault(delivery.shard, []).append(delivery.id)
        await gather_available(
            self._redis.run(
                load_script("settle"), [self._keys.outbox(shard)], [*self._groups, *ids]
            )
            for shard, ids in by_shard.items()
        )

    async def move_to_dead_letters(self, delivery: QueuedEntry, reason: str) -> None:
        keys = [self._keys.outbox(delivery.shard), self._keys.dead_letters(delivery.shard)]
        arguments: list[Argument] = [*self._groups, delivery.id, delivery.entry or b"", reason]
        await self._redis.run(load_script("settle"), keys, arguments)

    async def entry(self, name: str, entry_id: str) -> SessionSnapshot | None:
        outbox = self._keys.outbox(self._keys.shard_of(name))
        (found,) = await self._redis.ask([("XRANGE", outbox, entry_id, entry_id)])
        entry = _entry_field(found[0][1]) if found else None
        snapshot = _snapshot_of(entry) if entry and _session_of(entry) == name else None
        if snapshot and snapshot.difference:
            return _completed(snapshot, await self._entries_of(name))
        return snapshot

    async def waiting(self, name: str) -> list[SessionSnapshot]:
        own = await self._entries_of(name)
        wholes: dict[tuple[int, str], Session] = {}
        snapshots = []
        for entry in own:
            if snapshot := await _decoded(entry):
                if snapshot.difference:
                    snapshot = _on(wholes.get(snapshot.difference.base), snapshot)
                else:
                    wholes[audit_entries.version_and_commit(entry)] = snapshot.session
                snapshots.append(snapshot)
        return snapshots

    async def newest_versions_of(self, names: Collection[str]) -> dict[str, SessionSnapshot]:
        newest: dict[str, SessionSnapshot] = {}
        for shard, of_shard in self._keys.by_shard(names).items():
            for name, entries in (await self._walks[shard].entries_of(of_shard)).items():
                if entries and (snapshot := await _decoded(entries[-1])):
                    newest[name] = _completed(snapshot, entries)
        return newest

    async def newest(self, shards: Collection[str]) -> dict[str, SessionSnapshot]:
        wholes: dict[str, bytes] = {}
        latest: dict[str, bytes] = {}
        for shard in shards:
            async for entry in self._entries(shard):
                if name := _session_of(entry):
                    latest[name] = entry
                    if not audit_entries.has_difference(entry):
                        wholes[name] = entry
        return {
            name: _completed(snapshot, [wholes[name]] if name in wholes else [])
            for name, entry in latest.items()
            if (snapshot := _snapshot_of(entry))
        }

    @property
    def _groups(self) -> tuple[str, str, str]:
        """This group, the other one, and '1' if the other one may be missing."""
        return self._group, self._other, "1" if self._other == WEBHOOKS else ""

    def _lease(self, shard: str) -> str:
        return self._keys.outbox_lease(shard, "" if self._group == AUDIT else self._group)

    async def _entries_of(self, name: str) -> Sequence[bytes]:
        walk = self._walks[self._keys.shard_of(name)]
        return (await walk.entries_of([name]))[name]

    async def _entries(self, shard: str) -> AsyncIterator[bytes]:
        outbox, start, has_more = self._keys.outbox(shard), "-", True
        while has_more:
            has_more, page = await self._redis.run(
                load_script("page"), [outbox], [start, _PAGE, _MOST_BYTES]
            )
            for stream_id, fields in page:
                start = f"({stream_id.decode()}"
                entry = _entry_field(fields)
                if entry is not None:
                    yield entry


def _session_of(entry: bytes) -> str | None:
    """Return the name of an entry's session; None if someone added an invalid entry by hand."""
    try:
        return audit_entries.decode_key(entry).session_name
    except ValueError:
        return None


def _snapshot_of(entry: bytes) -> SessionSnapshot | None:
    try:
        return audit_entries.decode_snapshot(entry)
    except ValueError:
        return None


def _completed(snapshot: SessionSnapshot, entries: Sequence[bytes]) -> SessionSnapshot:
    """Return the snapshot with all participants if the whole one is among its session's entries."""
    difference = snapshot.difference
    if difference is None:
        return snapshot
    bases = (e for e in entries if audit_entries.version_and_commit(e) == difference.base)
    base = _snapshot_of(next(bases, b""))
    return _on(base.session if base else None, snapshot)


def _on(whole: Session | None, snapshot: SessionSnapshot) -> SessionSnapshot:
    """Return the snapshot with all participants if the `whole` one is known."""
    if whole is None or snapshot.difference is None:
        return snapshot
    return snapshot.with_session(completed(snapshot.difference, whole))


async def _decoded(entry: bytes) -> SessionSnapshot | None:
    if len(entry) > LARGE_BYTES:
        await yield_to_event_loop()
    return _snapshot_of(entry)


def _delivery(shard: str, stream_id: bytes, fields: list[bytes]) -> QueuedEntry:
    return QueuedEntry(shard, stream_id.decode(), stream_id_time(stream_id), _entry_field(fields))


def _first_id_after(stream_id: str | None) -> str:
    if stream_id is None:
        return "0-0"
    milliseconds, _, sequence = stream_id.partition("-")
    return f"{milliseconds}-{int(sequence) + 1}"


def _entry_field(fields: list[bytes]) -> bytes | None:
    return dict(zip(fields[::2], fields[1::2], strict=True)).get(b"entry")
