"""This machine's clocks, replaceable in tests. All in ms."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


def monotonic_ms() -> float:
    """Read the monotonic clock."""
    return time.monotonic() * 1000


def wall_ms() -> float:
    """Read the wall clock, ms since the epoch."""
    return time.time() * 1000


async def sleep_ms(duration: float) -> None:
    """Sleep for `duration` ms."""
    await asyncio.sleep(duration / 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """This machine's clocks."""

    monotonic: Callable[[], float] = monotonic_ms
    wall: Callable[[], float] = wall_ms
    sleep: Callable[[float], Awaitable[None]] = sleep_ms
    resolution_ms: float = time.get_clock_info("monotonic").resolution * 1000
