"""A client that takes its time costs nobody but itself anything (CWE-400, slow HTTP attacks)."""

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

TIMEOUT_S = 0.3
IN_TIME_S = 2.0
GREETING = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(scope="module")
def hasty(redis_url: str) -> Iterator[Instance]:
    """An instance that waits for no client for longer than that."""
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
async def test_a_head_that_never_comes_ends_the_connection(
    hasty: Instance, beginning: bytes
) -> None:
    async with raw_connection(hasty) as client:
        await client.send(beginning)
        ending = await client.end()
    assert ending.received == b""
    assert TIMEOUT_S * 0.9 < ending.after_s < IN_TIME_S


@pytest.mark.parametrize("greeting", [b"", GREETING])
@pytest.mark.parametrize("drops", [GREETING * 3, b"\r\n" * 50], ids=["request_head", "blank lines"])
async def test_bytes_that_drip_in_are_no_excuse(
    hasty: Instance, greeting: bytes, drops: bytes
) -> None:
    async with raw_connection(hasty) as client:
        if greeting:
            await client.send(greeting)
            assert b" 200 " in await client.answer()
        ending = await client.drip(drops)
    assert ending.received in (b"", b'{"status":"ok"}')
    assert ending.after_s < IN_TIME_S


async def test_an_idle_connection_is_kept_for_the_next_request(hasty: Instance) -> None:
    async with raw_connection(hasty) as client:
        for _ in range(3):
            await client.send(GREETING)
            assert b" 200 " in await client.answer()
            await asyncio.sleep(TIMEOUT_S * 1.5)


WHOLE, IN_PARTS = {"Content_Length": "1000"}, {"Transfer_Encoding": "chunked"}


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("POST", "", WHOLE),
        ("POST", f"/{uuid4()}/switch", IN_PARTS),
        ("POST", f"/{uuid4()}/pause", WHOLE),
        ("PATCH", f"/{uuid4()}/participants/{uuid4()}", IN_PARTS),
        ("DELETE", f"/{uuid4()}", WHOLE),
    ],
    ids=["create", "switch", "pause", "adjust", "delete"],
)
async def test_a_body_that_never_comes_is_a_timeout(
    hasty: Instance, method: str, path: str, kind: dict[str, str]
) -> None:
    async with raw_connection(hasty) as client:
        await client.send(request_head(method, f"/v1/sessions{path}", **kind))
        ending = await client.drip(b"1\r\n{\r\n" * 10)
    assert (ending.status, ending.body["error"]["code"]) == (408, "REQUEST_TIMEOUT")
    assert ending.after_s < IN_TIME_S


async def test_a_body_that_takes_its_time_is_read(hasty: Instance) -> None:
    body = json.dumps(chess()).encode()
    async with raw_connection(hasty) as client:
        await client.send(request_head("POST", "/v1/sessions", Content_Length=str(len(body))))
        for start in range(0, len(body), 50):
            await client.send(body[start : start + 50])
            await asyncio.sleep(0.01)
        assert b" 201 " in await client.answer()


async def test_a_body_that_nobody_waits_for_is_given_up(hasty: Instance) -> None:
    async with raw_connection(hasty) as client:
        await client.send(request_head("POST", "/v1/sessions", Content_Length=str(2**30)) + b"x")
        assert b" 413 " in await client.answer()
        assert (await client.drip(b"x" * 100)).after_s < IN_TIME_S


async def test_a_socket_outlives_the_timeout(hasty: Instance) -> None:
    async with connect(f"{hasty.ws}?sessionId={uuid4()}") as socket:
        assert json.loads(await socket.recv())["type"] == "CONNECTED"
        await asyncio.sleep(TIMEOUT_S * 3)
        await socket.send('{"type": "PING"}')
        assert json.loads(await socket.recv())["type"] == "PONG"


async def test_a_stream_outlives_the_timeout(hasty: Instance) -> None:
    url = f"{hasty.url}/v1/sessions"
    async with httpx.AsyncClient(timeout=10) as http:
        session_id = (await http.post(url, json=chess())).json()["data"]["session_id"]
        async with http.stream("GET", f"{url}/{session_id}/stream") as answer:
            lines = answer.aiter_lines()
            await _until(lines, "CONNECTED")
            await asyncio.sleep(TIMEOUT_S * 3)
            await http.post(f"{url}/{session_id}/start")
            await _until(lines, "session_started")


async def _until(lines: AsyncIterator[str], word: str) -> None:
    async with asyncio.timeout(5):
        async for line in lines:
            if word in line:
                return
    pytest.fail(f"the stream ended before {word}")


@pytest.fixture
async def crowded(hasty: Instance) -> AsyncIterator[tuple[httpx.AsyncClient, str]]:
    """A client of the instance, and a running session whose state is large."""
    async with httpx.AsyncClient(base_url=hasty.url, timeout=10) as http:
        body = chess(participants=[participant() for _ in range(200)])
        session_id = (await http.post("/v1/sessions", json=body)).json()["data"]["session_id"]
        await http.post(f"/v1/sessions/{session_id}/start")
        yield http, session_id


@pytest.mark.parametrize("way", ["socket", "stream"])
async def test_a_client_that_reads_no_pushes_is_cut_off(
    hasty: Instance, crowded: tuple[httpx.AsyncClient, str], way: str
) -> None:
    http, session_id = crowded
    stream = request_head("GET", f"/v1/sessions/{session_id}/stream")
    with non_reading_clients(hasty, 1) as (client,):
        await client.connect(handshake(session_id) if way == "socket" else stream)
        await wait_until_connected(http, 1)
        for _ in range(20):
            (await http.post(f"/v1/sessions/{session_id}/switch")).raise_for_status()
        assert await wait_until_connected(http, 0) < IN_TIME_S
        assert await client.is_cut_off(IN_TIME_S)


@pytest.mark.parametrize("connection", ["keep-alive", "close"])
@pytest.mark.parametrize("what", ["/api-docs/swagger-ui-bundle.js", "/api-docs/swagger-ui.css"])
async def test_a_client_that_reads_no_answer_is_cut_off(
    hasty: Instance, what: str, connection: str
) -> None:
    with non_reading_clients(hasty, 1) as (client,):
        await client.connect(request_head("GET", what, Connection=connection))
        assert await client.is_cut_off(IN_TIME_S * 4)


async def test_a_client_that_reads_slowly_gets_everything(hasty: Instance) -> None:
    async with raw_connection(hasty) as client:
        await client.send(request_head("GET", "/api-docs/swagger-ui.css", Connection="close"))
        ending = await client.end(sip=8_192, every_s=TIMEOUT_S / 10)
    length = int(ending.received.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    assert len(ending.received.partition(b"\r\n\r\n")[2]) == length
    assert ending.after_s > TIMEOUT_S
