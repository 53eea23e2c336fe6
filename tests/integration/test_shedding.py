"""What an overloaded instance says to a request that it doesn't take (API section 2, Errors)."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import pytest
from starlette.types import Receive, Scope, Send

from functions.container.connections.admission import AdmissionControl
from functions.container.http_server import Server, build_server
from infra.local.ports import free_port
from shared.settings.settings import Settings
from tests.support.raw_http import RawConnection, request_head

_SESSION = "/v1/sessions/5a7f9a52-6a2c-4d0c-9a38-0f1f4c3b7d10"
_PAGE = "https://example.com"


class _Strict(AdmissionControl):
    """Lets in what it is told to."""

    admitted: Iterable[bytes] = ()

    def admits(self, path: bytes, loop: asyncio.AbstractEventLoop) -> bool:
        return path in self.admitted


async def _app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers slowly."""
    await asyncio.sleep(0.05)
    headers = [(b"content-length", b"6")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"served"})


@dataclass(frozen=True, slots=True)
class _Overloaded:
    """A server that takes only what is in `admitted` of its admission."""

    server: Server
    port: int
    admission: _Strict

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[RawConnection]:
        """A fresh connection to it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield RawConnection(reader, writer)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


@pytest.fixture
async def overloaded() -> AsyncIterator[_Overloaded]:
    """One in this process."""
    port = free_port()
    server = build_server(_app, Settings(port=port, cors_origins=[_PAGE]), lifespan="off")
    admission = _Strict()
    server.connections.admission = admission
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield _Overloaded(server, port, admission)
    server.should_exit = True
    with suppress(asyncio.CancelledError):
        await serving


async def test_a_refusal_is_an_answer_like_every_other_error(overloaded: _Overloaded) -> None:
    async with overloaded.connection() as connection:
        request = request_head(
            "GET", _SESSION, X_Request_Id="mine", Origin=_PAGE, Connection="close"
        )
        await connection.send(request)
        ending = await connection.end()
        lines = ending.received.partition(b"\r\n\r\n")[0].decode().lower().split("\r\n")
        assert ending.status == 503
        assert ending.body == {
            "error": {
                "code": "STORE_UNAVAILABLE",
                "message": "Too many requests are being served right now; try again shortly",
                "request_id": "mine",
            }
        }
        for line in (
            "content-type: application/json",
            "retry-after: 1",
            "x-request-id: mine",
            "x-content-type-options: nosniff",
            f"access-control-allow-origin: {_PAGE}",
            "connection: close",
        ):
            assert line in lines


async def test_a_connection_is_kept_and_its_body_dropped(overloaded: _Overloaded) -> None:
    overloaded.admission.admitted = [b"/health"]
    async with overloaded.connection() as connection:
        body = json.dumps({"next_participant_id": "x" * 10_000}).encode()
        switch = request_head("POST", f"{_SESSION}/switch", Content_Length=str(len(body)))
        for _ in range(3):
            await connection.send(switch + body)
            assert b" 503 " in await connection.answer()
        await connection.send(request_head("GET", "/health", Connection="close"))
        assert (await connection.end()).received.endswith(b"served")


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Length": "1000000"},
        {"Transfer-Encoding": "chunked"},
        {"Content-Length": "10", "Expect": "100-continue"},
    ],
    ids=str,
)
async def test_a_connection_ends_whose_body_would_have_to_be_read(
    overloaded: _Overloaded, headers: dict[str, str]
) -> None:
    async with overloaded.connection() as connection:
        await connection.send(request_head("POST", "/v1/sessions", **headers))
        ending = await connection.end()
        assert ending.status == 503
        assert b"connection: close" in ending.received


async def test_a_refusal_does_not_overtake_the_answer_before_it(overloaded: _Overloaded) -> None:
    overloaded.admission.admitted = [b"/health"]
    async with overloaded.connection() as connection:
        refused = request_head("GET", _SESSION, Connection="close")
        await connection.send(request_head("GET", "/health") + refused)
        received = (await connection.end()).received
        assert received.index(b" 200 ") < received.index(b"served") < received.index(b" 503 ")


async def test_a_socket_is_never_refused(overloaded: _Overloaded) -> None:
    async with overloaded.connection() as connection:
        upgrade = {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version": "13",
        }
        await connection.send(request_head("GET", "/ws?sessionId=x", **upgrade))
        assert b" 503 " not in await connection.answer()
