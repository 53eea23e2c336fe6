"""The recovery loop: a store that has lost its memory is told what it must watch."""

import asyncio
import logging

from shared.errors import StoreUnavailable
from shared.metrics.ports import Metrics
from shared.recovery import Recovery

_INTERVAL_S = 1.0

_log = logging.getLogger("synckairos.recover")


async def restore_all(recovery: Recovery, metrics: Metrics) -> None:
    """Put back what the store has lost, if it has, and tell. Raises `StoreUnavailable`."""
    if restored := await recovery.restore_all():
        _log.warning("the store had lost its memory; %d sessions restored", restored)
        metrics.count_restored(restored)


class RecoveryLoop:
    """Looks whether the store is whole. Any number of instances may run it."""

    def __init__(self, recovery: Recovery, metrics: Metrics) -> None:
        self._recovery = recovery
        self._metrics = metrics

    async def run(self) -> None:
        """Work for as long as the instance lives."""
        while True:
            try:
                await restore_all(self._recovery, self._metrics)
            except StoreUnavailable as error:
                _log.debug("left for later: %s", error.message)
            except Exception:
                _log.exception("recovery failed")
            await asyncio.sleep(_INTERVAL_S)
