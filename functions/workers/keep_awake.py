"""Queries the audit database once a day, because Supabase pauses a free project after 7 days
without use."""

import asyncio
import logging
import time

from shared.application.errors import StoreUnavailable
from shared.application.ports.audit_log import AuditLog

_DAY_S = 24 * 3600.0
_RETRY_S = 3600.0

_log = logging.getLogger("synckairos.audit")


class DatabaseKeepAwake:
    """Pings the database when a day has passed since it last did so, and when it starts."""

    def __init__(self, audit: AuditLog) -> None:
        self._audit = audit
        self._next_at_s = 0.0

    async def run(self) -> None:
        """Ping once a day until cancelled."""
        while True:
            await self.ping_if_due()
            await asyncio.sleep(max(0.0, self._next_at_s - time.time()))

    async def ping_if_due(self) -> None:
        """Ping if a day has passed. After a failure, which is only logged, an hour is enough."""
        if time.time() < self._next_at_s:
            return
        try:
            await self._audit.ping()
        except StoreUnavailable as error:
            _log.debug("will retry: %s", error.message)
            self._next_at_s = time.time() + _RETRY_S
        else:
            self._next_at_s = time.time() + _DAY_S
