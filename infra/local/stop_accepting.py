"""Stops asyncio servers without leaving connections open."""

import asyncio
from collections.abc import Iterable


async def stop_accepting(servers: Iterable[asyncio.Server]) -> None:
    """Stop accepting connections, and let the handling of accepted connections start.

    Call it before `asyncio.Server.close`, which never closes a connection that was accepted in the
    same iteration of the event loop. uvloop doesn't need it: it closes these connections.
    """
    loop = asyncio.get_running_loop()
    for server in servers:
        for listener in server.sockets:
            loop.remove_reader(listener)
    for _ in range(3):  # create transports; call connection_made; start tasks
        await asyncio.sleep(0)
