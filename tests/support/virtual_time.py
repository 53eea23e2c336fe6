"""An event loop in virtual time: it skips all waiting."""

import asyncio
import selectors
from typing import Any

import pytest

_WALL_S = 1_700_000_000.0
"""Unix time when virtual time is 0."""


class _Selector(selectors.SelectSelector):
    """Advances to the time of the next timer instead of waiting for it."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        """Return ready files: only the loop's own, as the tests open no others."""
        assert timeout is not None, "no timer is left, so nothing would ever end the wait"
        self.now += max(0.0, timeout)
        return super().select(0)


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Its time advances only to the next timer, and by `block`."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        """Return the virtual time, s."""
        return self._virtual.now

    def block(self, seconds: float) -> None:
        """Let time pass in which the loop runs nothing."""
        self._virtual.now += seconds


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


_BACKEND = ("asyncio", {"loop_factory": VirtualTimeLoop})

in_virtual_time = pytest.mark.parametrize("anyio_backend", [pytest.param(_BACKEND, id="virtual")])
"""Mark of an asynchronous test, or of a module of them, that opens no sockets."""
