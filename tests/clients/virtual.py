"""Virtual time: an event loop that skips all waiting."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any


class _Selector(selectors.SelectSelector):
    """Advances to the time of the next timer instead of waiting for it."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        """Return ready files: only the loop's own, as the tests open no others."""
        assert timeout is not None, "no timer is left, so nothing would ever end the wait"
        self.now += max(0.0, timeout)
        return super().select(0)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        """Return the virtual time, s."""
        return self._virtual.now


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run `work` to completion in virtual time."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        runner.run(work)


def now_ms() -> float:
    """Return the virtual time, ms."""
    return asyncio.get_running_loop().time() * 1000
