"""The recovery loop: restores sessions from the audit trail after the store has lost its data."""

import asyncio
import logging

from shared.application.activity import Activity
from shared.application.errors import StoreUnavailable
from shared.application.event_loop import wait_for_event
from shared.application.ports.metrics import Metrics
from shared.application.recovery import Recovery

_INTERVAL_S = 1.0

_log = logging.getLogger("synckairos.recover")


async def restore_all(recovery: Recovery, metrics: Metrics) -> None:
    """Restore what the store has lost, if anything, log and count it. Raises `StoreUnavailable`."""
    if restored := await recovery.restore_all():
        _log.warning("the store had lost its data; %d sessions restored", restored)
        metrics.count_restored_sessions(restored)


class RecoveryLoop:
    """Checks every second whether the store has lost data, or every minute at rest.

    Several instances may run it.
    """

    def __init__(
        self, recovery: Recovery, metrics: Metrics, activity: Activity | None = None
    ) -> None:
        self._recovery = recovery
        self._metrics = metrics
        self._activity = activity or Activity()
        self._use_begins = asyncio.Event()
        self._activity.on_begin(self._use_begins.set)

    async def run(self) -> None:
        """Check and restore until cancelled."""
        while True:
            try:
                await restore_all(self._recovery, self._metrics)
            except StoreUnavailable as error:
                _log.debug("will retry: %s", error.message)
            except Exception:
                _log.exception("recovery failed")
            await wait_for_event(self._use_begins, self._activity.interval_s(_INTERVAL_S))
