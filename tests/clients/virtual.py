"""Virtual time for coroutines that tests run themselves."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from tests.support.virtual_time import VirtualTimeLoop

_WALL_S = 1_700_000_000.0
"""Unix time when virtual time is 0."""


class Time:
    """Replaces the module `time` in modules that run in virtual time."""

    @staticmethod
    def monotonic() -> float:
        """Return the virtual time, s."""
        return asyncio.get_running_loop().time()

    @staticmethod
    def time() -> float:
        """Return the virtual Unix time, s."""
        return _WALL_S + asyncio.get_running_loop().time()


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run `work` to completion in virtual time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(work)


def now_ms() -> float:
    """Return the virtual time, ms."""
    return asyncio.get_running_loop().time() * 1000
