"""The measured lag of the event loop."""

import asyncio
import time

from functions.workers.loop_lag import LoopLag


async def test_a_stall_gives_late_samples_in_proportion_to_its_length() -> None:
    lags: list[float] = []
    sampling = asyncio.create_task(LoopLag(lags.append).run())
    await asyncio.sleep(0.05)
    time.sleep(0.55)
    while len(lags) < 6:
        await asyncio.sleep(0.01)
    sampling.cancel()
    late = [lag for lag in lags if lag > 50]
    assert len(late) >= 4
    assert max(late) > 400
