"""The connections of a proxy, and what is wrong with them. All of it runs in one event loop."""

import asyncio
import random
import socket
from contextlib import ExitStack, suppress

from tests.resilience.faults.faults import NONE, Fault, Way
from tests.resilience.faults.proxy_connection import Link
from tests.resilience.faults.reply_drop import Ambush

_HOST = "127.0.0.1"


class Network:
    """Carries connections from a port of its own to `target_port`, as well as the fault allows."""

    def __init__(self, target_port: int) -> None:
        self.ambushes: list[Ambush] = []
        self.target_port = target_port
        """Where connections lead that are made from now on; those that there are stay."""
        self._fault = NONE
        self._links: set[Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._listener: socket.socket | None = None
        # Bound for good, so that the port stays ours while nobody listens on it.
        self._place = _bound(0)

    @property
    def port(self) -> int:
        """Where clients connect."""
        return int(self._place.getsockname()[1])

    async def suffer(self, fault: Fault) -> None:
        """Let `fault` be what is wrong from now on."""
        self._fault = fault
        for link in [link for link in self._links if link.suffers(fault)]:
            if fault.strands:
                link.own_fault = fault
            if fault.resets:
                link.reset()
        if fault.refuses:
            self._stop_listening()
        elif self._listener is None:
            self._listen()
        self._changed.set()
        self._changed = asyncio.Event()

    async def close(self) -> None:
        """Drop everything."""
        self._stop_listening()
        for link in list(self._links):
            link.reset()  # whatever somebody hasn't read yet
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._place.close()

    def _listen(self) -> None:
        # Not asyncio's server: closing one that has just accepted somebody leaks the connection.
        self._listener = _bound(self.port)
        self._listener.setblocking(False)
        self._listener.listen()
        asyncio.get_running_loop().add_reader(self._listener, self._accept, self._listener)

    def _stop_listening(self) -> None:
        if self._listener:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None

    def _accept(self, listener: socket.socket) -> None:
        with suppress(BlockingIOError):
            connection, _ = listener.accept()
            task = asyncio.create_task(self._serve(connection))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            task.add_done_callback(lambda _: connection.close())

    async def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError, asyncio.CancelledError), ExitStack() as sockets:
            there_in, there_out = await asyncio.open_connection(_HOST, self.target_port)
            sockets.callback(there_out.transport.abort)
            reader, writer = await asyncio.open_connection(sock=connection)
            sockets.callback(writer.transport.abort)
            link = Link(writer, there_out)
            self._links.add(link)
            try:
                await link.carry(reader, there_in, self._passes)
            finally:
                self._links.discard(link)

    async def _passes(self, link: Link, way: Way, data: bytes) -> bool:
        """Whether `data` may go on, after all that happens to it on the way."""
        if way is Way.THERE:
            self._spring_ambushes(link, data)
        while self._of(link).holds(way):
            await self._changed.wait()
        fault = self._of(link)
        if fault.delay_s or fault.jitter_s:
            await asyncio.sleep(fault.delay_s + random.uniform(0, fault.jitter_s))
        if fault.resets:
            link.reset()
            return False
        if link.ambush and way is Way.BACK:
            await link.lose_reply(link.ambush)
            return False
        return True

    def _of(self, link: Link) -> Fault:
        if link.own_fault:
            return link.own_fault
        return self._fault if link.suffers(self._fault) else NONE

    def _spring_ambushes(self, link: Link, data: bytes) -> None:
        for ambush in list(self.ambushes):
            if link.hears(data, ambush.marker) and ambush.strikes():
                link.ambush = ambush
        link.note(data)


def _bound(port: int) -> socket.socket:
    """A socket on `port`, which several may share; who connects finds one that listens."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind((_HOST, port))
    return sock
