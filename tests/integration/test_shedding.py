"""An overloaded instance refuses requests with a proper answer (docs/api.md)."""

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


class _PathAdmission(AdmissionControl):
    """Admits the paths in `admitted` only."""

    is_overloaded = True
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
class _OverloadedServer:
    """A server whose admission refuses everything but chosen paths."""

    server: Server
    port: int
    admission: _PathAdmission

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[RawConnection]:
        """Open a connection to the server."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield RawConnection(reader, writer)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


@pytest.fixture
async def overloaded() -> AsyncIterator[_OverloadedServer]:
    """An overloaded server in this process."""
    port = free_port()
    server = build_server(_app, Settings(port=port, cors_origins=[_PAGE]), lifespan="off")
    admission = _PathAdmission()
    server.connections.admission = admission
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield _OverloadedServer(server, port, admission)
    server.should_exit = True
    with suppress(asyncio.CancelledError):
        await serving


async def test_a_refusal_has_the_form_of_every_other_error(overloaded: _OverloadedServer) -> None:
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


async def test_the_body_of_a_refused_request_is_skipped_and_the_connection_kept(
    overloaded: _OverloadedServer,
) -> None:
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
async def test_a_refused_large_chunked_or_announced_body_closes_the_connection(
    overloaded: _OverloadedServer, headers: dict[str, str]
) -> None:
    async with overloaded.connection() as connection:
        await connection.send(request_head("POST", "/v1/sessions", **headers))
        ending = await connection.end()
        assert ending.status == 503
        assert b"connection: close" in ending.received


async def test_a_refusal_is_sent_after_the_pending_answer_before_it(
    overloaded: _OverloadedServer,
) -> None:
    overloaded.admission.admitted = [b"/health"]
    async with overloaded.connection() as connection:
        refused = request_head("GET", _SESSION, Connection="close")
        await connection.send(request_head("GET", "/health") + refused)
        received = (await connection.end()).received
        assert received.index(b" 200 ") < received.index(b"served") < received.index(b" 503 ")


async def test_a_plain_request_is_refused_and_the_connection_kept(
    overloaded: _OverloadedServer,
) -> None:
    async with overloaded.connection() as connection:
        for _ in range(2):
            await connection.send(request_head("GET", f"{_SESSION}?since=1"))
            assert b" 503 " in await connection.answer()
            await connection.until(b"}}")


@pytest.mark.parametrize(
    "head",
    [b"GET /" + b"x" * 200_000, request_head("GET", "/health", X="x" * 200_000)],
    ids=["path", "header"],
)
async def test_a_head_that_is_too_large_does_not_block_an_overloaded_instance(
    overloaded: _OverloadedServer, head: bytes
) -> None:
    async with overloaded.connection() as connection:
        await connection.send(head)
        assert (await connection.end()).status == 431


async def test_a_websocket_is_never_refused(overloaded: _OverloadedServer) -> None:
    async with overloaded.connection() as connection:
        upgrade = {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version": "13",
        }
        await connection.send(request_head("GET", "/ws?sessionId=x", **upgrade))
        assert b" 503 " not in await connection.answer()
