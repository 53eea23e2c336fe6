"""The alarm function: applies the due changes of a session at their instant (API §2).

A message wakes one session. It comes a little early, so that the rest of the time can be slept to
the millisecond; where it comes much too early (a queue holds nothing back for longer than 15
minutes), or the deadline has moved meanwhile, it is sent again.
"""

import asyncio

from shared.alarms.sqs import decode_alarm
from shared.domain.units import Instant
from shared.ports import Wakeup
from shared.serverless.instance import Instance
from shared.serverless.queue_function import QueueFunction

_WORTH_WAITING_MS = 2_500


async def wake(here: Instance, message: str) -> None:
    """Do what is due in the session of an alarm, and see to its next one.

    Raises `StoreUnavailable`, and `ValueError` for what is no alarm: the queue delivers it again,
    and puts it among the dead letters in the end.
    """
    alarm = decode_alarm(message)
    following = await _ring_in_time(here, alarm)
    if following is not None:
        await here.backend.store.rearm(alarm, following)


async def _ring_in_time(here: Instance, alarm: Wakeup) -> Instant | None:
    """Ring at the alarm's instant if that is near, at once if it is far; returns what follows.

    Our clock may be a little ahead of the store's, which then says that nothing is due yet.
    """
    while True:
        if (left_ms := _left_ms(here, alarm)) <= _WORTH_WAITING_MS:
            await asyncio.sleep(max(0, left_ms) / 1000)
        following = await here.backend.wakeups.handle_alarm(alarm)
        if following is None:
            here.metrics.observe_lateness(max(0, -_left_ms(here, alarm)))
        if following != alarm.at or _left_ms(here, alarm) > _WORTH_WAITING_MS:
            return following


def _left_ms(here: Instance, alarm: Wakeup) -> int:
    return alarm.at - here.backend.clock.now()


handler = QueueFunction(wake)
