"""A proxy's listener, its connections and their fault, all in one event loop."""

import asyncio
import random
import socket
from contextlib import ExitStack, suppress

from tests.support.fault_proxy.connection import ProxyConnection
from tests.support.fault_proxy.drops import ReplyDrop
from tests.support.fault_proxy.faults import NONE, Direction, Fault

_HOST = "127.0.0.1"


class ProxyServer:
    """Forwards connections from a port of its own to `target_port`, subject to a fault."""

    def __init__(self, target_port: int) -> None:
        self.reply_drops: list[ReplyDrop] = []
        self.target_port = target_port
        """Target of new connections; existing ones keep theirs."""
        self._fault = NONE
        self._connections: set[ProxyConnection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._listener: socket.socket | None = None
        # Stays bound, so that no other process gets the port while the proxy doesn't listen.
        self._reserved = _bound(0)

    @property
    def port(self) -> int:
        """The port for clients."""
        return int(self._reserved.getsockname()[1])

    async def set_fault(self, fault: Fault) -> None:
        """Replace the present fault by `fault`."""
        self._fault = fault
        for connection in [each for each in self._connections if each.is_affected_by(fault)]:
            if fault.blackholes:
                connection.own_fault = fault
            if fault.resets:
                connection.reset()
        if fault.refuses:
            self._stop_listening()
        elif self._listener is None:
            self._listen()
        self._changed.set()
        self._changed = asyncio.Event()

    async def close(self) -> None:
        """Stop listening and reset all connections."""
        self._stop_listening()
        for connection in list(self._connections):
            connection.reset()  # discards data that the client or server hasn't read yet
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._reserved.close()

    def _listen(self) -> None:
        # Not asyncio's server: it leaks a connection accepted just before it is closed.
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
            sock, _ = listener.accept()
            task = asyncio.create_task(self._serve(sock))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            task.add_done_callback(lambda _: sock.close())

    async def _serve(self, sock: socket.socket) -> None:
        with suppress(OSError, asyncio.CancelledError), ExitStack() as sockets:
            server_reader, server_writer = await asyncio.open_connection(_HOST, self.target_port)
            sockets.callback(server_writer.transport.abort)
            reader, writer = await asyncio.open_connection(sock=sock)
            sockets.callback(writer.transport.abort)
            connection = ProxyConnection(writer, server_writer)
            self._connections.add(connection)
            try:
                await connection.forward(reader, server_reader, self._apply_fault)
            finally:
                self._connections.discard(connection)

    async def _apply_fault(
        self, connection: ProxyConnection, direction: Direction, data: bytes
    ) -> bool:
        """Delay, hold back or drop `data` as the fault says; return whether to forward it."""
        if direction is Direction.TO_SERVER:
            self._match_reply_drops(connection, data)
        while self._fault_of(connection).blocks(direction):
            await self._changed.wait()
        fault = self._fault_of(connection)
        if fault.delay_s or fault.jitter_s:
            await asyncio.sleep(fault.delay_s + random.uniform(0, fault.jitter_s))
        if fault.resets:
            connection.reset()
            return False
        drop = connection.reply_drop
        if drop and (drop.with_request or direction is Direction.TO_CLIENT):
            await connection.drop_reply(drop)
            return False
        return True

    def _fault_of(self, connection: ProxyConnection) -> Fault:
        if connection.own_fault:
            return connection.own_fault
        return self._fault if connection.is_affected_by(self._fault) else NONE

    def _match_reply_drops(self, connection: ProxyConnection, data: bytes) -> None:
        for drop in list(self.reply_drops):
            if connection.completes(data, drop.marker) and drop.picks_next():
                connection.reply_drop = drop
        connection.note(data)


def _bound(port: int) -> socket.socket:
    """A socket bound to `port`, which several may share: only a listening one gets connections."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind((_HOST, port))
    return sock
