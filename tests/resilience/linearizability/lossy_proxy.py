"""A TCP proxy on which marked requests, or the answers to them, get lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from enum import StrEnum

from infra.local.stop_accepting import stop_accepting

_CHUNK = 65_536


class Fate(StrEnum):
    """What happens to a request on its way; the text is what marks it in one of its headers."""

    ARRIVES = "fate-arrives"
    ANSWER_LOST = "fate-answer-lost"
    NEVER_ARRIVES = "fate-never-arrives"
    GIVEN_UP = "fate-given-up"
    """By a client who doesn't wait for the answer."""


@asynccontextmanager
async def lossy_proxy(target_port: int) -> AsyncIterator[int]:
    """The port of a proxy to `target_port`."""

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError), ExitStack() as sockets:
            sockets.callback(writer.transport.abort)
            there_in, there_out = await asyncio.open_connection("127.0.0.1", target_port)
            sockets.callback(there_out.transport.abort)
            while (data := await reader.read(_CHUNK)) and _fate_of(data) is not Fate.NEVER_ARRIVES:
                there_out.write(data)
                await there_out.drain()
                if _fate_of(data) is Fate.ANSWER_LOST:
                    await _pass_on(reader, there_in, there_out)
                    break

    server = await asyncio.start_server(connection, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        await stop_accepting([server])
        server.close()


async def _pass_on(
    body: asyncio.StreamReader, answer: asyncio.StreamReader, there: asyncio.StreamWriter
) -> None:
    """Let the rest of a request through until there is an answer, which nobody will see."""
    answered = asyncio.create_task(answer.read(_CHUNK))
    rest = asyncio.create_task(body.read(_CHUNK))
    await asyncio.wait((answered, rest), return_when=asyncio.FIRST_COMPLETED)
    if not answered.done():
        there.write(rest.result())
        await answered
    rest.cancel()


def _fate_of(data: bytes) -> Fate | None:
    return next((fate for fate in Fate if fate.encode() in data), None)
