"""Background work ends when it is told to, even if it doesn't hear it the first time."""

import asyncio

from shared.tasks import end


async def test_one_that_missed_its_cancellation_is_told_again() -> None:
    heard = 0

    async def hard_of_hearing() -> None:
        nonlocal heard
        while heard < 2:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                heard += 1

    task = asyncio.create_task(hard_of_hearing())
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await end([task])
    assert (heard, task.done()) == (2, True)


async def test_nothing_to_end_is_ended_at_once() -> None:
    await end([])
