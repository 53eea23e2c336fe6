"""The safety net, once a minute: wake-ups whose alarm was lost, and a store without memory."""

import asyncio
import logging

from functions.workers.recover import restore_all
from functions.workers.waking import wake
from shared.domain.units import Instant, Millis, after
from shared.errors import StoreUnavailable
from shared.ports import Wakeup
from shared.serverless.instance import Instance
from shared.serverless.scheduled_function import ScheduledFunction

_OVERDUE_MS = 2_000
"""Younger ones are in the hands of their alarm."""

_LEASE = Millis(10_000)
_BATCH = 100
_AT_ONCE = 16

_log = logging.getLogger("synckairos.reconcile")


async def reconcile(here: Instance) -> None:
    """Put back what the store has lost, and do everything that is overdue."""
    await _recover(here)
    while overdue := await _claimed(here):
        slots = asyncio.Semaphore(_AT_ONCE)
        await asyncio.gather(*(_wake(here, slots, wakeup) for wakeup in overdue))


async def _recover(here: Instance) -> None:
    if here.backend.recovery is None:
        return
    try:
        await restore_all(here.backend.recovery, here.metrics)
    except StoreUnavailable as error:
        _log.warning("recovery is left for later: %s", error.message)


async def _claimed(here: Instance) -> list[Wakeup]:
    """Some overdue wake-ups that are ours now; none where none is left."""
    claimed: list[Wakeup] = []
    for agenda in await here.backend.store.agendas(_BATCH):
        since = Instant(agenda.now - _OVERDUE_MS)
        overdue = [wakeup for wakeup in agenda.wakeups if wakeup.at <= since]
        if overdue:
            claimed += await here.backend.store.claim(overdue, after(agenda.now, _LEASE))
    return claimed


async def _wake(here: Instance, slots: asyncio.Semaphore, wakeup: Wakeup) -> None:
    async with slots:
        await wake(here.backend.wakeups, wakeup)


handler = ScheduledFunction(reconcile)
