"""Stops asyncio's servers without leaving a connection open."""

import asyncio
from collections.abc import Iterable


async def stop_accepting(servers: Iterable[asyncio.Server]) -> None:
    """Let `servers` accept nothing more, and let the work on accepted connections begin.

    Then they can be closed. `asyncio.Server.close` alone never closes a connection that was
    accepted in the same round of the event loop. Not for uvloop, which closes them itself.
    """
    loop = asyncio.get_running_loop()
    for server in servers:
        for listener in server.sockets:
            loop.remove_reader(listener)
    for _ in range(3):  # transports are made; protocols hear of them; their tasks begin
        await asyncio.sleep(0)
