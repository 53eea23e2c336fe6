"""Stopping an asyncio server leaves no accepted connection open."""

import asyncio
import socket

from infra.local.stop_accepting import stop_accepting


class _Protocol(asyncio.Protocol):
    """Closes its connection as soon as it is made."""

    made = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        _Protocol.made += 1
        transport.close()


async def test_a_connection_that_was_just_accepted_is_passed_to_its_protocol() -> None:
    server = await asyncio.get_running_loop().create_server(_Protocol, "127.0.0.1", 0)
    with socket.create_connection(server.sockets[0].getsockname()) as client:
        for _ in range(2):  # the second iteration only accepts the connection
            await asyncio.sleep(0)
        await stop_accepting([server])
        server.close()
        await asyncio.sleep(0)
        assert _Protocol.made == 1
        assert client.recv(1) == b""
