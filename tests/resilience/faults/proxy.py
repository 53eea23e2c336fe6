"""A TCP proxy that fails on demand, in a thread of its own: any test can drive it."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from tests.resilience.faults.faults import NONE, Fault, Loss
from tests.resilience.faults.proxy_server import Network
from tests.resilience.faults.reply_drop import Ambush, always

_PATIENCE_S = 10.0


class FaultyProxy:
    """Stands before a server. Its methods may be called from any thread but its own."""

    def __init__(self, network: Network, loop: asyncio.AbstractEventLoop) -> None:
        self._network = network
        self._loop = loop

    @property
    def port(self) -> int:
        """Where to connect in the server's place."""
        return self._network.port

    def lead_to(self, target_port: int) -> None:
        """Let new connections lead to another server; those that there are stay where they are.

        So does a name in DNS, or a load balancer, that is switched to a new primary.
        """
        self._network.target_port = target_port

    def begin(self, fault: Fault) -> None:
        """Let `fault` be there from now on, in place of what was there before."""
        self._call(self._network.suffer(fault))

    @contextmanager
    def suffering(self, fault: Fault) -> Iterator[None]:
        """Let `fault` be there for the length of the block."""
        self.begin(fault)
        try:
            yield
        finally:
            self.begin(NONE)

    @contextmanager
    def flapping(self, fault: Fault, period_s: float) -> Iterator[None]:
        """Let `fault` come and go for the length of the block, that long each."""
        flapping = self._call(self._begun(self._flap(fault, period_s)))
        try:
            yield
        finally:
            self._loop.call_soon_threadsafe(flapping.cancel)
            self.begin(NONE)

    @contextmanager
    def losing_replies(
        self, marker: bytes, loss: Loss, picks: Callable[[int], bool] = always
    ) -> Iterator[Ambush]:
        """Lose the replies to requests with `marker`, those that are picked by their number."""
        ambush = Ambush(marker, loss, picks)
        self._network.ambushes.append(ambush)
        try:
            yield ambush
        finally:
            self._network.ambushes.remove(ambush)

    def close(self) -> None:
        """Drop everything."""
        self._call(self._network.close())

    def _call(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE_S)

    async def _begun(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return asyncio.create_task(work)

    async def _flap(self, fault: Fault, period_s: float) -> None:
        while True:
            for present in (fault, NONE):
                await self._network.suffer(present)
                await asyncio.sleep(period_s)


@contextmanager
def faulty_proxy(target_port: int) -> Iterator[FaultyProxy]:
    """A proxy to `target_port` on a free port of its own, to the end of the block."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    proxy = FaultyProxy(Network(target_port), loop)
    proxy.begin(NONE)
    try:
        yield proxy
    finally:
        proxy.close()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
