"""Time that passes as fast as the work in it: an event loop whose sleeps take none."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any


class _Selector(selectors.SelectSelector):
    """Goes to the time of the next timer in place of waiting for it."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        """Ready files, of which there are none but the loop's own."""
        assert timeout is not None, "nobody will ever wake up again"
        self.now += max(0.0, timeout)
        return super().select(0)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        """The virtual time, s."""
        return self._virtual.now


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run `work` to its end in virtual time."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        runner.run(work)


def now_ms() -> float:
    """The virtual time, ms."""
    return asyncio.get_running_loop().time() * 1000
