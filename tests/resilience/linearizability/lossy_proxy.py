"""A TCP proxy that drops marked requests or the answers to them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from enum import StrEnum

from infra.local.stop_accepting import stop_accepting

_CHUNK = 65_536


class Delivery(StrEnum):
    """What happens to a request on its way; the value marks the request in a header."""

    NORMAL = "delivery-normal"
    ANSWER_DROPPED = "delivery-answer-dropped"
    REQUEST_DROPPED = "delivery-request-dropped"
    ABANDONED = "delivery-abandoned"
    """The client times out before the answer comes."""


@asynccontextmanager
async def lossy_proxy(target_port: int) -> AsyncIterator[int]:
    """A proxy to `target_port`; yields its port."""

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError), ExitStack() as sockets:
            sockets.callback(writer.transport.abort)
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", target_port)
            sockets.callback(server_writer.transport.abort)
            while (data := await reader.read(_CHUNK)) and (
                _delivery_of(data) is not Delivery.REQUEST_DROPPED
            ):
                server_writer.write(data)
                await server_writer.drain()
                if _delivery_of(data) is Delivery.ANSWER_DROPPED:
                    await _drop_answer(reader, server_reader, server_writer)
                    break

    server = await asyncio.start_server(connection, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        await stop_accepting([server])
        server.close()


async def _drop_answer(
    body: asyncio.StreamReader, answer: asyncio.StreamReader, server: asyncio.StreamWriter
) -> None:
    """Forward the rest of a request until the server answers, and drop the answer."""
    answered = asyncio.create_task(answer.read(_CHUNK))
    rest = asyncio.create_task(body.read(_CHUNK))
    await asyncio.wait((answered, rest), return_when=asyncio.FIRST_COMPLETED)
    if not answered.done():
        server.write(rest.result())
        await answered
    rest.cancel()


def _delivery_of(data: bytes) -> Delivery | None:
    return next((delivery for delivery in Delivery if delivery.encode() in data), None)
