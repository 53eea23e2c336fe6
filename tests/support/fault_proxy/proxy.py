"""A TCP proxy as fault injector, in a thread of its own, so that any test can control it."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.fault_proxy.drops import ReplyDrop, always
from tests.support.fault_proxy.faults import NONE, Fault, Loss
from tests.support.fault_proxy.server import ProxyServer

_TIMEOUT_S = 30.0


class FaultyProxy:
    """A proxy before a server. Call its methods from any thread but its own."""

    def __init__(self, server: ProxyServer, loop: asyncio.AbstractEventLoop) -> None:
        self._server = server
        self._loop = loop

    @property
    def port(self) -> int:
        """The port for clients."""
        return self._server.port

    def redirect_to(self, target_port: int) -> None:
        """Send new connections to another server; existing ones keep theirs.

        A DNS name or a load balancer that is switched to a new primary does the same.
        """
        self._server.target_port = target_port

    def set_fault(self, fault: Fault) -> None:
        """Replace the present fault by `fault`."""
        self._call(self._server.set_fault(fault))

    @contextmanager
    def suffering(self, fault: Fault) -> Iterator[None]:
        """Apply `fault` for the length of the block."""
        self.set_fault(fault)
        try:
            yield
        finally:
            self.set_fault(NONE)

    @contextmanager
    def flapping(self, fault: Fault, period_s: float) -> Iterator[None]:
        """Switch `fault` on and off every `period_s` for the length of the block."""
        flapping = self._call(self._started(self._flap(fault, period_s)))
        try:
            yield
        finally:
            self._loop.call_soon_threadsafe(flapping.cancel)
            self.set_fault(NONE)

    @contextmanager
    def dropping_replies(
        self, marker: bytes, loss: Loss, picks: Callable[[int], bool] = always
    ) -> Iterator[ReplyDrop]:
        """Drop the replies to requests that contain `marker` and whose number `picks` picks."""
        drop = ReplyDrop(marker, loss, picks)
        self._server.reply_drops.append(drop)
        try:
            yield drop
        finally:
            self._server.reply_drops.remove(drop)

    @contextmanager
    def dropping_requests(self, marker: bytes) -> Iterator[ReplyDrop]:
        """Reset each connection as soon as the client sends `marker`, which isn't forwarded."""
        drop = ReplyDrop(marker, Loss.RESET, always, with_request=True)
        self._server.reply_drops.append(drop)
        try:
            yield drop
        finally:
            self._server.reply_drops.remove(drop)

    def close(self) -> None:
        """Stop listening and reset all connections."""
        self._call(self._server.close())

    def _call(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_TIMEOUT_S)

    async def _started(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return asyncio.create_task(work)

    async def _flap(self, fault: Fault, period_s: float) -> None:
        while True:
            for present in (fault, NONE):
                await self._server.set_fault(present)
                await asyncio.sleep(period_s)


@contextmanager
def faulty_proxy(target_port: int) -> Iterator[FaultyProxy]:
    """A proxy to `target_port` on a free port, to the end of the block."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    proxy = FaultyProxy(ProxyServer(target_port), loop)
    proxy.set_fault(NONE)
    try:
        yield proxy
    finally:
        proxy.close()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
