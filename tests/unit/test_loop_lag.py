"""The measured lag of the event loop, in virtual time."""

import asyncio
from types import SimpleNamespace

import pytest

from functions.container import observability
from functions.container.observability import LoopLag
from tests.support.virtual_time import VirtualTimeLoop, in_virtual_time

pytestmark = in_virtual_time


async def test_a_stall_gives_late_samples_in_proportion_to_its_length(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop)
    monkeypatch.setattr(observability, "time", SimpleNamespace(monotonic=loop.time))
    lags: list[float] = []
    sampling = asyncio.create_task(LoopLag(lags.append).run())
    await asyncio.sleep(0.05)
    loop.block(0.55)
    await asyncio.sleep(0.15)
    sampling.cancel()
    assert lags == pytest.approx([500, 400, 300, 200, 100, 0, 0])
