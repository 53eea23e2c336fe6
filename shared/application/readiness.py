"""Readiness of an instance: whether the store and the audit trail take writes, or why not."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from shared.application.errors import AuditUnavailable, StoreUnavailable
from shared.application.ports.audit_log import AuditLog
from shared.application.ports.session_store import SessionStore
from shared.domain.units import Instant

StoreFaultCheck = Callable[[], Awaitable[str | None]]
"""Returns why the store accepts no write; None if it does."""

_FRESH_S = 1.0
_STALLED_MS = 10_000
"""Longer than a batch may take, and than a worker needs to take over from a dead one."""

State = Literal["up", "down", "off"]


@dataclass(frozen=True, slots=True)
class ReadinessReport:
    """States of the store and the audit trail; `reasons` says why one is down."""

    redis: State
    audit: State
    reasons: Mapping[str, str]

    @property
    def status(self) -> Literal["ready", "degraded", "not_ready"]:
        """Changes don't need the audit trail, so without it the service is only degraded."""
        if self.redis == "down":
            return "not_ready"
        return "degraded" if self.audit == "down" else "ready"


class Readiness:
    """Runs the checks, and shares their result: at most one write a second while all is well.

    If the store is down, each call checks it again, so that recovery is noticed at once. Calls
    during a check share it.
    """

    def __init__(
        self, store_fault: StoreFaultCheck, store: SessionStore, audit: AuditLog | None
    ) -> None:
        self._store_fault = store_fault
        self._store = store
        self._audit = audit
        self._checks: ReadinessReport | None = None
        self._checked_at = 0.0
        self._running: asyncio.Task[ReadinessReport] | None = None
        self._oldest_at: Instant | None = None

    async def checks(self) -> ReadinessReport:
        """Return the last result if it is fresh, else that of the running or a new check."""
        if (
            self._checks
            and self._checks.redis == "up"
            and time.monotonic() < self._checked_at + _FRESH_S
        ):
            return self._checks
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._check())
        return await asyncio.shield(self._running)

    async def _check(self) -> ReadinessReport:
        started_at = time.monotonic()
        redis, audit = await asyncio.gather(self._store_fault(), self._fault_of_trail())
        reasons = {"redis": redis, "audit": audit}
        self._checks = ReadinessReport(
            redis="down" if redis else "up",
            audit="off" if self._audit is None else "down" if audit else "up",
            reasons={name: reason for name, reason in reasons.items() if reason},
        )
        self._checked_at = started_at
        return self._checks

    async def _fault_of_trail(self) -> str | None:
        if self._audit is None:
            return None
        try:
            return await self._audit.check() or await self._stalled()
        except AuditUnavailable as error:
            return error.reason

    async def _stalled(self) -> str | None:
        """The fault if entries wait although the database works.

        A trail that is late but advances is no fault: its oldest entry changes between checks.
        """
        try:
            statistics = await self._store.statistics()
        except StoreUnavailable:
            return None
        before, self._oldest_at = self._oldest_at, statistics.oldest_at
        if statistics.outbox_age_ms <= _STALLED_MS or (before and before != self._oldest_at):
            return None
        return (
            f"it doesn't advance: an entry has waited {statistics.outbox_age_ms // 1000} s."
            " Does an audit worker run?"
        )
