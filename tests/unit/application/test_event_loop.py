"""Ending background tasks, even those that swallow a cancellation."""

import asyncio

from shared.application.event_loop import cancel_and_wait
from tests.support.virtual_time import in_virtual_time

pytestmark = in_virtual_time


async def test_a_task_that_swallowed_its_cancellation_is_cancelled_again() -> None:
    cancellations = 0

    async def swallow_cancellation() -> None:
        nonlocal cancellations
        while cancellations < 2:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancellations += 1

    task = asyncio.create_task(swallow_cancellation())
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await cancel_and_wait([task])
    assert (cancellations, task.done()) == (2, True)


async def test_ending_no_tasks_returns_at_once() -> None:
    await cancel_and_wait([])
