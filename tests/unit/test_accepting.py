"""A server of asyncio's is stopped without a connection that stays open."""

import asyncio
import socket

from infra.local.stop_accepting import stop_accepting


class _Protocol(asyncio.Protocol):
    """Closes its connection as soon as it hears of it."""

    heard = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        _Protocol.heard += 1
        transport.close()


async def test_a_connection_that_was_just_accepted_is_given_to_its_protocol() -> None:
    server = await asyncio.get_running_loop().create_server(_Protocol, "127.0.0.1", 0)
    with socket.create_connection(server.sockets[0].getsockname()) as client:
        for _ in range(2):  # in the second round it is accepted, and nothing more
            await asyncio.sleep(0)
        await stop_accepting([server])
        server.close()
        await asyncio.sleep(0)
        assert _Protocol.heard == 1
        assert client.recv(1) == b""
