"""The alarm function: applies the timeouts and warnings of a session when they are due.

Each message is the alarm of one session. It arrives a little early, and the function sleeps until
the exact millisecond. If it arrives much too early (a queue delays messages by at most 15 minutes)
or the deadline has moved meanwhile, the alarm is sent again.
"""

import asyncio

from shared.application.ports.session_store import Wakeup
from shared.aws.sqs import decode_alarm
from shared.domain.units import Instant
from shared.serverless.instance import FunctionInstance
from shared.serverless.worker_functions import QueueFunction

_MAX_WAIT_MS = 2_500


async def handle_alarm_message(here: FunctionInstance, message: str) -> None:
    """Apply what is due in the session of an alarm, and set its next alarm.

    Raises `StoreUnavailable`, and `ValueError` if the message isn't an alarm. The queue then
    delivers it again, and finally moves it to the dead letters.
    """
    alarm = decode_alarm(message)
    next_at = await _handle_in_time(here, alarm)
    if next_at is not None:
        await here.backend.store.reschedule_alarm(alarm, next_at)


async def _handle_in_time(here: FunctionInstance, alarm: Wakeup) -> Instant | None:
    """Wait for the alarm's instant if it is near, and handle the alarm; return the next instant.

    Repeats if this machine's clock is slightly ahead and nothing is due yet by the store's clock.
    """
    while True:
        if (left_ms := _left_ms(here, alarm)) <= _MAX_WAIT_MS:
            await asyncio.sleep(max(0, left_ms) / 1000)
        next_at = await here.backend.wakeups.handle_alarm(alarm)
        if next_at is None:
            here.metrics.observe_wakeup_lateness(max(0, -_left_ms(here, alarm)))
        if next_at != alarm.at or _left_ms(here, alarm) > _MAX_WAIT_MS:
            return next_at


def _left_ms(here: FunctionInstance, alarm: Wakeup) -> int:
    return alarm.at - here.backend.clock.now()


handler = QueueFunction(handle_alarm_message)
