"""The audit worker: writes entries from the outbox to the database, each exactly once.

An entry leaves the outbox only after the database has committed it, and the database ignores
repeated deliveries. So a crash at any point neither loses nor duplicates an entry.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from secrets import token_hex

from functions.workers.trail_writer import AuditTrailWriter, BatchTooLarge
from shared.application.activity import Activity
from shared.application.audit_entries import EntryKey, decode_key
from shared.application.errors import AuditKeyRefused, AuditUnavailable, StoreUnavailable
from shared.application.event_loop import wait_for_event
from shared.application.outage_log import OutageLog
from shared.application.ports.audit_log import AuditLog, Outbox, QueuedEntry
from shared.application.ports.metrics import Metrics
from shared.application.store_clock import StoreClock

_BATCH_DELAY_S = 0.05
"""Pause between batches, so that one statement carries many entries."""

_MAX_SLEEP_S = 1.0
"""Limits, in use, the delay after a lost notification, and until a crashed worker is replaced."""

_MIN_ROUND_S = 1.0
_FIRST_RETRY_S = 0.2
_MAX_RETRY_S = 5.0
_KEY_RETRY_S = 60.0
"""A refused key stays refused until an operator acts, usually by a new release."""

_log = logging.getLogger("synckairos.audit")


class AuditWorker:
    """Empties the outbox. Several may run; a lease lets one work on a shard, the others wait."""

    def __init__(
        self,
        outbox: Outbox,
        audit: AuditLog,
        clock: StoreClock,
        metrics: Metrics,
        activity: Activity | None = None,
    ) -> None:
        self._outbox = outbox
        self._clock = clock
        self._metrics = metrics
        self._name = token_hex(8)
        self._writer = AuditTrailWriter(self._name, outbox, audit)
        self._taken: dict[str, str] = {}
        """The last id that was read in this round, by shard."""
        self._round_began = 0.0
        self._is_notified = asyncio.Event()
        self._activity = activity or Activity()
        self._activity.on_begin(self._is_notified.set)
        self._outages = OutageLog(_log)

    @property
    def batch_size(self) -> int:
        """The maximum number of entries that `deliver` takes."""
        return self._writer.size.entries

    def call(self, _: bytes | None) -> None:
        """Wake the worker, because the outbox may have new entries."""
        self._is_notified.set()

    async def run(self) -> None:
        """Deliver entries until cancelled."""
        retry_s = _FIRST_RETRY_S
        while True:
            try:
                delivered = await self.deliver()
                if delivered:
                    self._outages.end()
                if delivered < self.batch_size:
                    await self._rest(delivered)
            except StoreUnavailable as error:
                self._note(error)
                is_refused = isinstance(error, AuditKeyRefused)
                await asyncio.sleep(_KEY_RETRY_S if is_refused else retry_s)
                retry_s = min(2 * retry_s, _MAX_RETRY_S)
                continue
            except Exception:
                _log.exception("the audit worker failed; it will retry")
                await asyncio.sleep(_MAX_RETRY_S)
                continue
            retry_s = _FIRST_RETRY_S

    def _note(self, error: StoreUnavailable) -> None:
        """Log an outage of the database once; the connection to Redis logs its own outages."""
        if isinstance(error, AuditKeyRefused):
            _log.error(
                "set a valid key: the audit database %s; entries wait in Redis", error.reason
            )
        elif isinstance(error, AuditUnavailable):
            reason = f"the audit database is unavailable: {error.reason}; entries wait in Redis"
            self._outages.begin(reason, "the audit database works again")
        else:
            _log.debug("will retry: %s", error.message)

    async def deliver(self) -> int:
        """Deliver one batch; return the number of entries taken from the outbox.

        Raises `StoreUnavailable` if the store or the database is unavailable; entries that weren't
        written then stay in the outbox.
        """
        self._begin_round()
        size = self._writer.size
        taken = await self._outbox.take(self._name, size.entries, size.most_bytes, self._taken)
        if not taken:
            self._writer.retries.forget_due(self._round_began)
            return 0
        valid = [named for delivery in taken if (named := await self._named(delivery))]
        try:
            self._observe(await self._writer.write(valid, self._round_began))
        except BatchTooLarge as failure:
            _log.warning("a batch of %d entries failed, trying fewer: %s", len(valid), failure)
        else:
            self._taken |= {delivery.shard: delivery.id for delivery in taken}
        return len(taken)

    def _begin_round(self) -> None:
        """Start again at the beginning of the outbox if no session waits, or a retry is due.

        While sessions wait for a retry, a round lasts at least a second, so that the entries of
        other sessions are delivered.
        """
        retries = self._writer.retries
        is_long_enough = time.monotonic() - self._round_began > _MIN_ROUND_S
        if not retries or (is_long_enough and retries.has_due()):
            self._taken, self._round_began = {}, time.monotonic()

    async def _named(self, delivery: QueuedEntry) -> tuple[QueuedEntry, EntryKey] | None:
        """Return the delivery with its session and version.

        An invalid entry is moved to the dead letters, and the result is None.
        """
        try:
            if delivery.entry is None:
                raise ValueError("no field `entry`")
            return delivery, decode_key(delivery.entry)
        except ValueError as error:
            await self._writer.move_to_dead_letters(delivery, f"not an audit entry: {error}")
            return None

    def _observe(self, written: Sequence[QueuedEntry]) -> None:
        now = self._clock.now()
        for delivery in written:
            self._metrics.observe_audit_lag(max(0, now - delivery.queued_at))

    async def _rest(self, delivered: int) -> None:
        """Wait for entries if there were none to take, then for `_BATCH_DELAY_S`.

        Raises `StoreUnavailable`.
        """
        is_waiting = not delivered
        while is_waiting:
            interval_s = self._activity.interval_s(_MAX_SLEEP_S)
            is_notified = await wait_for_event(self._is_notified, interval_s)
            is_waiting = not is_notified and await self._outbox.is_empty()
        if not delivered:
            self._activity.note()
        await asyncio.sleep(_BATCH_DELAY_S)
