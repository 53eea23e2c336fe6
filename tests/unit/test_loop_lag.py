"""The event loop's lag is as long as it stood still, and as often as somebody would have waited."""

import asyncio
import time

from functions.workers.loop_lag import LoopLag


async def test_a_stall_is_as_many_late_looks_as_it_was_long() -> None:
    seen: list[float] = []
    looking = asyncio.create_task(LoopLag(seen.append).run())
    await asyncio.sleep(0.05)
    time.sleep(0.55)
    while len(seen) < 6:
        await asyncio.sleep(0.01)
    looking.cancel()
    late = [lag for lag in seen if lag > 50]
    assert len(late) >= 4
    assert max(late) > 400
