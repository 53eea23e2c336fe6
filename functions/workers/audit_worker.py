"""The audit worker: carries entries from the outbox into the database, each exactly once.

An entry leaves the outbox only when the database has it for good, and the database takes it once
however often it is delivered: whatever dies in between, nothing is lost and nothing is doubled.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from secrets import token_hex

from shared.audit.entries import name_of
from shared.audit.ports import AuditLog, Delivery, Outbox
from shared.clock import StoreClock
from shared.domain.naming import session_name
from shared.errors import EntriesRefused, StoreUnavailable
from shared.metrics.ports import Metrics

_BATCH = 200
_BATCH_BYTES = 4 * 1024 * 1024
_GATHER_S = 0.05
"""Between two batches: lets one statement carry many entries instead of one."""

_LONGEST_SLEEP_S = 1.0
"""Bounds the harm of a lost nudge, and the wait of a worker for the place of another."""

_FIRST_RETRY_S = 0.2
_LONGEST_RETRY_S = 5.0

_log = logging.getLogger("synckairos.audit")


class AuditWorker:
    """Empties the outbox. Any number may run: one is at work, the others stand by."""

    def __init__(
        self, outbox: Outbox, audit: AuditLog, clock: StoreClock, metrics: Metrics
    ) -> None:
        self._outbox = outbox
        self._audit = audit
        self._clock = clock
        self._metrics = metrics
        self._name = token_hex(8)
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
                _log.warning("waiting %.1f s: %s", retry_s, error.message)
                await asyncio.sleep(retry_s)
                retry_s = min(2 * retry_s, _LONGEST_RETRY_S)
                continue
            except Exception:
                _log.exception("audit worker stumbled")
                await asyncio.sleep(_LONGEST_RETRY_S)
                continue
            retry_s = _FIRST_RETRY_S
            if delivered < _BATCH:
                await self._rest(delivered)

    async def deliver(self) -> int:
        """Carry over one batch; returns how many entries left the outbox.

        Raises `StoreUnavailable` when the store or the database is away: what has not been
        carried over then stays where it is.
        """
        taken = await self._outbox.take(self._name, _BATCH, _BATCH_BYTES)
        sound = [delivery for delivery in taken if await self._is_sound(delivery)]
        await self._carry(sound)
        return len(taken)

    async def _carry(self, deliveries: Sequence[Delivery]) -> None:
        """Write all of `deliveries`; if one of them won't go in, find it by halving."""
        if not deliveries:
            return
        try:
            clashes = await self._audit.append([_entry(delivery) for delivery in deliveries])
        except EntriesRefused as refusal:
            if len(deliveries) == 1:
                await self._park(deliveries[0], str(refusal))
                return
            middle = len(deliveries) // 2
            await self._carry(deliveries[:middle])
            await self._carry(deliveries[middle:])
            return
        clashing = {(session_name(c.session_id, c.tenant), c.version) for c in clashes}
        late = [d for d in deliveries if _version_in(d) in clashing] if clashing else []
        for delivery in late:
            await self._park(delivery, "another change holds this version")
        written = [delivery for delivery in deliveries if delivery not in late]
        await self._outbox.settle(written)
        self._observe(written)

    async def _is_sound(self, delivery: Delivery) -> bool:
        """Whether it is an entry at all; what isn't is parked at once."""
        try:
            name_of(_entry(delivery))
        except ValueError as error:
            await self._park(delivery, f"not an audit entry: {error}")
            return False
        return True

    async def _park(self, delivery: Delivery, reason: str) -> None:
        _log.error("parked %s of %s: %s", delivery.id, delivery.shard, reason)
        await self._outbox.park(delivery, reason)

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


def _entry(delivery: Delivery) -> bytes:
    if delivery.entry is None:
        raise ValueError("no field `entry`")
    return delivery.entry


def _version_in(delivery: Delivery) -> tuple[str, int]:
    """Which version an entry is, of the session of which name."""
    entry = name_of(_entry(delivery))
    return entry.session_name, entry.version
