"""Virtual time for coroutines that tests run themselves."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from tests.support.virtual_time import VirtualTimeLoop


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run `work` to completion in virtual time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(work)


def now_ms() -> float:
    """Return the virtual time, ms."""
    return asyncio.get_running_loop().time() * 1000
