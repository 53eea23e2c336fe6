"""Connections of clients that send or read too slowly are closed (CWE-400, slow HTTP attacks)."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import httpx
import pytest
from websockets.asyncio.client import connect

from infra.local.instance import Instance, running
from tests.support.api import chess, participant
from tests.support.non_reading_client import handshake, non_reading_clients, wait_until_connected
from tests.support.raw_http import raw_connection, request_head

TIMEOUT_S = 1.0
LIMIT_S = 20.0
"""Without the timeout, the bytes that drip in would take at least a minute."""
HEALTH_REQUEST = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(scope="module")
def instance(redis_url: str) -> Iterator[Instance]:
    """An instance with a short client timeout."""
    with running(redis_url, CLIENT_TIMEOUT_S=str(TIMEOUT_S)) as instance:
        yield instance


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"G",
        b"GET /health HTTP/1.1\r\nHo",
        b"\r\n",
        b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n",
    ],
)
async def test_an_incomplete_head_closes_the_connection(
    instance: Instance, beginning: bytes
) -> None:
    async with raw_connection(instance) as client:
        await client.send(beginning)
        ending = await client.end()
    assert ending.received == b""
    assert TIMEOUT_S * 0.9 < ending.after_s < LIMIT_S


@pytest.mark.parametrize("first_request", [b"", HEALTH_REQUEST])
@pytest.mark.parametrize(
    "data", [HEALTH_REQUEST * 30, b"\r\n" * 600], ids=["request head", "blank lines"]
)
async def test_single_bytes_do_not_extend_the_timeout_of_a_head(
    instance: Instance, first_request: bytes, data: bytes
) -> None:
    async with raw_connection(instance) as client:
        if first_request:
            await client.send(first_request)
            assert b" 200 " in await client.answer()
        ending = await client.drip(data)
    assert ending.received in (b"", b'{"status":"ok"}')
    assert ending.after_s < LIMIT_S


async def test_an_idle_connection_is_kept_for_the_next_request(instance: Instance) -> None:
    async with raw_connection(instance) as client:
        for _ in range(3):
            await client.send(HEALTH_REQUEST)
            assert b" 200 " in await client.answer()
            await asyncio.sleep(TIMEOUT_S * 1.5)


WITH_LENGTH, CHUNKED = {"Content_Length": "10000"}, {"Transfer_Encoding": "chunked"}


@pytest.mark.parametrize(
    ("method", "path", "framing"),
    [
        ("POST", "", WITH_LENGTH),
        ("POST", f"/{uuid4()}/switch", CHUNKED),
        ("POST", f"/{uuid4()}/pause", WITH_LENGTH),
        ("PATCH", f"/{uuid4()}/participants/{uuid4()}", CHUNKED),
        ("DELETE", f"/{uuid4()}", WITH_LENGTH),
    ],
    ids=["create", "switch", "pause", "adjust", "delete"],
)
async def test_an_incomplete_body_is_answered_408(
    instance: Instance, method: str, path: str, framing: dict[str, str]
) -> None:
    async with raw_connection(instance) as client:
        await client.send(request_head(method, f"/v1/sessions{path}", **framing))
        ending = await client.drip(b"1\r\n{\r\n" * 200)
    assert (ending.status, ending.body["error"]["code"]) == (408, "REQUEST_TIMEOUT")
    assert ending.after_s < LIMIT_S


async def test_a_body_in_small_parts_is_read(instance: Instance) -> None:
    body = json.dumps(chess()).encode()
    async with raw_connection(instance) as client:
        await client.send(request_head("POST", "/v1/sessions", Content_Length=str(len(body))))
        for start in range(0, len(body), 50):
            await client.send(body[start : start + 50])
            await asyncio.sleep(0.01)
        assert b" 201 " in await client.answer()


async def test_the_connection_is_closed_while_a_refused_body_drips_in(instance: Instance) -> None:
    async with raw_connection(instance) as client:
        await client.send(request_head("POST", "/v1/sessions", Content_Length=str(2**30)) + b"x")
        assert b" 413 " in await client.answer()
        assert (await client.drip(b"x" * 1_200)).after_s < LIMIT_S


async def test_the_timeout_does_not_close_a_websocket(instance: Instance) -> None:
    async with connect(f"{instance.ws}?sessionId={uuid4()}") as socket:
        assert json.loads(await socket.recv())["type"] == "CONNECTED"
        await asyncio.sleep(TIMEOUT_S * 3)
        await socket.send('{"type": "PING"}')
        assert json.loads(await socket.recv())["type"] == "PONG"


async def test_the_timeout_does_not_close_an_event_stream(instance: Instance) -> None:
    url = f"{instance.url}/v1/sessions"
    async with httpx.AsyncClient(timeout=30) as http:
        session_id = (await http.post(url, json=chess())).json()["data"]["session_id"]
        async with http.stream("GET", f"{url}/{session_id}/stream") as answer:
            lines = answer.aiter_lines()
            await _until(lines, "CONNECTED")
            await asyncio.sleep(TIMEOUT_S * 3)
            await http.post(f"{url}/{session_id}/start")
            await _until(lines, "session_started")


async def _until(lines: AsyncIterator[str], word: str) -> None:
    async with asyncio.timeout(30):
        async for line in lines:
            if word in line:
                return
    pytest.fail(f"the stream ended before {word}")


@pytest.fixture
async def large_session(instance: Instance) -> AsyncIterator[tuple[httpx.AsyncClient, str]]:
    """A client of the instance, and the id of a running session with a large state."""
    async with httpx.AsyncClient(base_url=instance.url, timeout=30) as http:
        body = chess(participants=[participant() for _ in range(200)])
        session_id = (await http.post("/v1/sessions", json=body)).json()["data"]["session_id"]
        await http.post(f"/v1/sessions/{session_id}/start")
        yield http, session_id


@pytest.mark.parametrize("transport", ["socket", "stream"])
async def test_a_client_that_reads_no_pushes_is_disconnected(
    instance: Instance, large_session: tuple[httpx.AsyncClient, str], transport: str
) -> None:
    http, session_id = large_session
    stream = request_head("GET", f"/v1/sessions/{session_id}/stream")
    with non_reading_clients(instance, 1) as (client,):
        await client.connect(handshake(session_id) if transport == "socket" else stream)
        await wait_until_connected(http, 1)
        for _ in range(20):
            (await http.post(f"/v1/sessions/{session_id}/switch")).raise_for_status()
        await wait_until_connected(http, 0)
        assert await client.is_cut_off(LIMIT_S)


@pytest.mark.parametrize("connection", ["keep-alive", "close"])
@pytest.mark.parametrize("path", ["/api-docs/swagger-ui-bundle.js", "/api-docs/swagger-ui.css"])
async def test_a_client_that_reads_no_answer_is_disconnected(
    instance: Instance, path: str, connection: str
) -> None:
    with non_reading_clients(instance, 1) as (client,):
        await client.connect(request_head("GET", path, Connection=connection))
        assert await client.is_cut_off(LIMIT_S)


async def test_a_client_that_reads_slowly_gets_the_whole_answer(instance: Instance) -> None:
    async with raw_connection(instance) as client:
        await client.send(request_head("GET", "/api-docs/swagger-ui.css", Connection="close"))
        ending = await client.end(sip=8_192, every_s=TIMEOUT_S / 10)
    length = int(ending.received.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    assert len(ending.received.partition(b"\r\n\r\n")[2]) == length
    assert ending.after_s > TIMEOUT_S
