"""The audit worker: carries entries from the outbox into the database, each exactly once.

An entry leaves the outbox only when the database has it for good, and the database takes it once
however often it is delivered: whatever dies in between, nothing is lost and nothing is doubled.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from secrets import token_hex

from functions.workers.trail_writer import TooMuch, TrailWriter
from shared.audit.entries import EntryName, name_of
from shared.audit.ports import AuditLog, Delivery, Outbox
from shared.clock import StoreClock
from shared.errors import AuditUnavailable, StoreUnavailable
from shared.metrics.ports import Metrics

_GATHER_S = 0.05
"""Between two batches: lets one statement carry many entries instead of one."""

_LONGEST_SLEEP_S = 1.0
"""Bounds the harm of a lost nudge, and the wait of a worker for the place of another."""

_SHORTEST_ROUND_S = 1.0
_FIRST_RETRY_S = 0.2
_LONGEST_RETRY_S = 5.0

_log = logging.getLogger("synckairos.audit")


class AuditWorker:
    """Empties the outbox. Any number may run: one is at work, the others stand by."""

    def __init__(
        self, outbox: Outbox, audit: AuditLog, clock: StoreClock, metrics: Metrics
    ) -> None:
        self._outbox = outbox
        self._clock = clock
        self._metrics = metrics
        self._name = token_hex(8)
        self._writer = TrailWriter(self._name, outbox, audit)
        self._taken: dict[str, str] = {}
        """The last id that this round has taken, by shard."""
        self._round_began = 0.0
        self._is_called = asyncio.Event()

    def call(self, _: bytes | None) -> None:
        """There is something in the outbox again, or may be."""
        self._is_called.set()

    async def run(self) -> None:
        """Work for as long as the instance lives."""
        retry_s = _FIRST_RETRY_S
        while True:
            self._is_called.clear()
            try:
                delivered = await self.deliver()
            except StoreUnavailable as error:
                _log.warning("waiting %.1f s: %s", retry_s, _reason_of(error))
                await asyncio.sleep(retry_s)
                retry_s = min(2 * retry_s, _LONGEST_RETRY_S)
                continue
            except Exception:
                _log.exception("audit worker stumbled")
                await asyncio.sleep(_LONGEST_RETRY_S)
                continue
            retry_s = _FIRST_RETRY_S
            if delivered < self._writer.size.entries:
                await self._rest(delivered)

    async def deliver(self) -> int:
        """Carry over one batch; returns how many entries it looked at, 0 where there are none.

        Raises `StoreUnavailable` when the store or the database is away: what has not been
        carried over then stays where it is.
        """
        self._begin_round()
        size = self._writer.size
        taken = await self._outbox.take(self._name, size.entries, size.most_bytes, self._taken)
        if not taken:
            self._writer.setbacks.forget_due(self._round_began)
            return 0
        sound = [named for delivery in taken if (named := await self._named(delivery))]
        try:
            self._observe(await self._writer.write(sound, self._round_began))
        except TooMuch as failure:
            _log.warning("%d entries were too much at once: %s", len(sound), failure)
        else:
            self._taken |= {delivery.shard: delivery.id for delivery in taken}
        return len(taken)

    def _begin_round(self) -> None:
        """Go through the outbox from its beginning, unless what is there waits to be tried again.

        A round lasts a second at least: others go on past sessions that wait.
        """
        setbacks = self._writer.setbacks
        has_rested = time.monotonic() - self._round_began > _SHORTEST_ROUND_S
        if not setbacks or (has_rested and setbacks.has_due()):
            self._taken, self._round_began = {}, time.monotonic()

    async def _named(self, delivery: Delivery) -> tuple[Delivery, EntryName] | None:
        """The delivery and what it is of; what is no entry at all is parked at once."""
        try:
            if delivery.entry is None:
                raise ValueError("no field `entry`")
            return delivery, name_of(delivery.entry)
        except ValueError as error:
            await self._writer.park(delivery, f"not an audit entry: {error}")
            return None

    def _observe(self, written: Sequence[Delivery]) -> None:
        now = self._clock.now()
        for delivery in written:
            self._metrics.observe_audit_lag(max(0, now - delivery.queued_at))

    async def _rest(self, delivered: int) -> None:
        """Wait until there is something to do; not at all long while entries keep coming."""
        if not delivered:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LONGEST_SLEEP_S):
                    await self._is_called.wait()
        await asyncio.sleep(_GATHER_S)


def _reason_of(error: StoreUnavailable) -> str:
    return f"the trail: {error.reason}" if isinstance(error, AuditUnavailable) else error.message
