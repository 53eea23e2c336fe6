"""Whether an instance can do its work right now, and if not, what is wrong."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from shared.audit.ports import AuditLog
from shared.domain.units import Instant
from shared.errors import AuditUnavailable, StoreUnavailable
from shared.ports import SessionStore
from shared.store.probe import StoreProbe, reason_of

_FRESH_S = 1.0
_STANDSTILL_MS = 10_000
"""Longer than a batch may take, and than another worker needs to take a dead one's place."""

State = Literal["up", "down", "off"]


@dataclass(frozen=True, slots=True)
class Checks:
    """How the store and the trail are; `reasons` has a sentence for each that is down."""

    redis: State
    audit: State
    reasons: Mapping[str, str]

    @property
    def status(self) -> Literal["ready", "degraded", "not_ready"]:
        """Changes don't wait for the trail: without it the service is degraded, not down."""
        if self.redis == "down":
            return "not_ready"
        return "degraded" if self.audit == "down" else "ready"


class Readiness:
    """Writes to the store once a second at most, however many ask: they share what a look found.

    A store that took no write is looked at again whenever somebody asks, so that the end of the
    fault is noticed at once. Those who ask while a look goes on share it.
    """

    def __init__(self, probe: StoreProbe, store: SessionStore, audit: AuditLog | None) -> None:
        self._probe = probe
        self._store = store
        self._audit = audit
        self._checks: Checks | None = None
        self._looked_at = 0.0
        self._looking: asyncio.Task[Checks] | None = None
        self._oldest: Instant | None = None

    async def checks(self) -> Checks:
        """What the last look found, or the one that goes on, or a new one."""
        if (
            self._checks
            and self._checks.redis == "up"
            and time.monotonic() < self._looked_at + _FRESH_S
        ):
            return self._checks
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        return await asyncio.shield(self._looking)

    async def _look(self) -> Checks:
        began = time.monotonic()
        redis, audit = await asyncio.gather(self._fault_of_store(), self._fault_of_trail())
        reasons = {"redis": redis, "audit": audit}
        self._checks = Checks(
            redis="down" if redis else "up",
            audit="off" if self._audit is None else "down" if audit else "up",
            reasons={name: reason for name, reason in reasons.items() if reason},
        )
        self._looked_at = began
        return self._checks

    async def _fault_of_store(self) -> str | None:
        try:
            await self._probe.check()
        except StoreUnavailable as error:
            return reason_of(error)
        return None

    async def _fault_of_trail(self) -> str | None:
        if self._audit is None:
            return None
        try:
            return await self._audit.check() or await self._standstill()
        except AuditUnavailable as error:
            return error.reason

    async def _standstill(self) -> str | None:
        """Whether entries wait though nothing is wrong with the database.

        A trail that is behind but advances is well: then the oldest entry is another each time.
        """
        try:
            census = await self._store.census()
        except StoreUnavailable:
            return None
        before, self._oldest = self._oldest, census.oldest_at
        if census.outbox_age_ms <= _STANDSTILL_MS or (before and before != self._oldest):
            return None
        return (
            f"it doesn't advance: an entry has waited {census.outbox_age_ms // 1000} s."
            " Does an audit worker run?"
        )
