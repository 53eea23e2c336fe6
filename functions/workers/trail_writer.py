"""Writes batches of audit entries to the trail, and isolates entries that can't be written."""

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import suppress

from functions.workers.batch_size import AdaptiveBatchSize
from functions.workers.retry_schedule import RetrySchedule
from shared.application.audit_entries import EntryKey
from shared.application.errors import AuditUnavailable, EntriesRefused, StoreUnavailable
from shared.application.ports.audit_log import AuditConflict, AuditLog, Outbox, QueuedEntry
from shared.audit.database_errors import is_lock_timeout, may_be_caused_by_entries
from shared.domain.session import session_name

_MAX_UNPROVEN = 3
_RAISE_AFTER = 20
_MAX_TRIES = 4
_RENEW_S = 0.5
"""A quarter of the lease."""

NamedDelivery = tuple[QueuedEntry, EntryKey]
"""A delivery with its session and version."""

_log = logging.getLogger("synckairos.audit")


class BatchTooLarge(Exception):
    """A batch failed although the database accepts writes; a smaller one may succeed."""


class AuditTrailWriter:
    """Writes entries for one worker, those of each session in the order of its versions.

    An entry that the database refuses is moved to the dead letters with its reason. After three in
    a row the database itself may be at fault: then further ones are moved only if other entries
    can be written. An entry that fails in another way while others can be written is moved after
    four tries; if another transaction locks its session, it waits without limit. The other entries
    of its session wait with it; all other sessions continue.
    """

    def __init__(self, worker: str, outbox: Outbox, audit: AuditLog) -> None:
        self.size = AdaptiveBatchSize()
        self.retries = RetrySchedule()
        self._worker = worker
        self._outbox = outbox
        self._audit = audit
        self._failed_in_a_row = 0
        self._written_at = 0.0
        self._written: bytes | None = None
        """An entry that is in the trail, for test writes; writing it again changes nothing."""

    async def write(self, batch: Sequence[NamedDelivery], since: float) -> list[QueuedEntry]:
        """Write `batch`, oldest first, except sessions whose retry is due after `since`.

        Return the deliveries that are now in the trail. Raises `BatchTooLarge`, and
        `StoreUnavailable` if the store or the database is unavailable; nothing is lost in either
        case.
        """
        fresh, tried = list[NamedDelivery](), dict[str, list[NamedDelivery]]()
        for delivery, name in batch:
            if self.retries.of(name.session_name):
                tried.setdefault(name.session_name, []).append((delivery, name))
            else:
                fresh.append((delivery, name))
        written = await self._write(fresh, since)
        for first, *others in tried.values():
            written += await self._write([first], since)
            written += await self._write(others, since)
        return written

    async def move_to_dead_letters(self, delivery: QueuedEntry, reason: str) -> None:
        """Move an entry to the dead letters."""
        _log.error("dead letter %s of %s: %s", delivery.id, delivery.shard, reason)
        await self._outbox.move_to_dead_letters(delivery, reason)

    async def _write(self, batch: Sequence[NamedDelivery], since: float) -> list[QueuedEntry]:
        """Write `batch`; if it is refused, find the refused entries by bisection."""
        batch = [(d, n) for d, n in batch if not self.retries.block(n.session_name, since)]
        if not batch:
            return []
        try:
            clashes = await self._append([d for d, _ in batch])
        except AuditUnavailable as outage:
            if not may_be_caused_by_entries(outage):
                raise
            await self._audit.check()  # raises if the database is unavailable
            await self._failed(batch, outage)
            return []
        except OSError as error:
            raise AuditUnavailable from error
        except MemoryError:
            raise
        except Exception as error:
            if len(batch) > 1:
                middle = len(batch) // 2
                first = await self._write(batch[:middle], since)
                return first + await self._write(batch[middle:], since)
            await self._refused(batch[0], _reason_of(error))
            return []
        return await self._settle(batch, clashes)

    async def _append(self, batch: Sequence[QueuedEntry]) -> list[AuditConflict]:
        """Write all of `batch` or nothing, and renew the leases meanwhile."""
        shards = {delivery.shard for delivery in batch}
        entries = [delivery.entry or b"" for delivery in batch]
        size = sum(map(len, entries))
        began = time.monotonic()
        writing = asyncio.ensure_future(self._audit.append(entries))
        try:
            while not (await asyncio.wait({writing}, timeout=_RENEW_S))[0]:
                with suppress(StoreUnavailable):
                    await self._outbox.renew(self._worker, shards)
            clashes = writing.result()
        finally:
            writing.cancel()
        self.size.took(time.monotonic() - began, len(entries), size)
        return clashes

    async def _settle(
        self, batch: Sequence[NamedDelivery], clashes: Sequence[AuditConflict]
    ) -> list[QueuedEntry]:
        """Remove written entries from the outbox, and move those whose version the trail has
        from another change to the dead letters."""
        clashing = {(session_name(c.session_id, c.tenant), c.version) for c in clashes}
        written = list[QueuedEntry]()
        for delivery, name in batch:
            if (name.session_name, name.version) in clashing:
                await self.move_to_dead_letters(delivery, "another change holds this version")
            else:
                written.append(delivery)
                self.retries.forget(name.session_name)
        await self._outbox.settle(written)
        if written:
            self._failed_in_a_row, self._written_at = 0, time.monotonic()
            self._written = written[-1].entry
        return written

    async def _refused(self, named: NamedDelivery, reason: str) -> None:
        """Move a refused entry to the dead letters, unless the database seems to refuse all."""
        delivery, name = named
        if not self._others_were_written(name):
            self._failed_in_a_row += 1
            if self._failed_in_a_row > _MAX_UNPROVEN and not await self._takes_entries():
                self.retries.schedule_retry(name.session_name)
                _log.error("entry %s of %s waits: %s", delivery.id, delivery.shard, reason)
                if self._failed_in_a_row % _RAISE_AFTER == 0:
                    raise AuditUnavailable(reason=f"it refuses every entry: {reason}")
                return
        await self.move_to_dead_letters(delivery, reason)

    async def _failed(self, batch: Sequence[NamedDelivery], outage: AuditUnavailable) -> None:
        """Handle a batch that failed although the database accepts writes.

        A single entry is retried or becomes a dead letter. Raises `BatchTooLarge` for several
        entries, and `outage` if every entry fails.
        """
        if len(batch) > 1:
            self.size.failed(len(batch), sum(len(d.entry or b"") for d, _ in batch))
            raise BatchTooLarge(outage.reason)
        ((delivery, name),) = batch
        others_were_written = self._others_were_written(name)
        state = self.retries.schedule_retry(name.session_name)
        _log.warning("entry %s of %s waits: %s", delivery.id, delivery.shard, outage.reason)
        if (
            state.tries >= _MAX_TRIES
            and not is_lock_timeout(outage)
            and (others_were_written or await self._takes_entries())
        ):
            await self.move_to_dead_letters(
                delivery, f"failed while others were written: {outage.reason}"
            )
            self.retries.go_on(name.session_name)
            return
        self._failed_in_a_row += 1
        if self._failed_in_a_row > _MAX_UNPROVEN:
            raise outage

    def _others_were_written(self, name: EntryKey) -> bool:
        """Return whether any entry was written after this session's first failure."""
        state = self.retries.of(name.session_name)
        return state is not None and self._written_at > state.since

    async def _takes_entries(self) -> bool:
        """Return whether the database still accepts an entry that it accepted before."""
        if self._written is None:
            return False
        try:
            await self._audit.append([self._written])
        except Exception as error:
            _log.warning("writing an earlier entry again, as a test, failed: %r", error)
            return False
        self._failed_in_a_row, self._written_at = 0, time.monotonic()
        return True


def _reason_of(error: Exception) -> str:
    if isinstance(error, EntriesRefused):
        return str(error)
    return f"{type(error).__name__}: {error}"
