"""What a client sends without end is not taken in without end (OWASP API4)."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from statistics import median
from time import monotonic
from uuid import uuid4

import httpx
import pytest

from infra.local.instance import Instance, running
from tests.support.non_reading_client import frame, handshake, non_reading_clients, rss_mib
from tests.support.raw_http import raw_connection, request_head

TIMEOUT_S = 3
GROWTH_MB = 32
OTHERS_WAIT_S = 0.05
MIB = 1024 * 1024
ENDLESS = {
    "pings": frame(9, b"x" * 125),
    "empty pings": frame(9),
    "messages": frame(1, b'{"type": "PING"}'),
    "empty messages": frame(1),
    "a message in endless parts": frame(1, is_last=False) + frame(0, is_last=False) * 4_000,
}


@pytest.fixture(scope="module")
def patient(redis_url: str) -> Iterator[Instance]:
    """An instance that waits for its clients long enough for them to send much."""
    with running(redis_url, CLIENT_TIMEOUT_S=str(TIMEOUT_S)) as instance:
        yield instance


@pytest.fixture
async def http(patient: Instance) -> AsyncIterator[httpx.AsyncClient]:
    """A client of that instance."""
    async with httpx.AsyncClient(base_url=patient.url, timeout=30) as client:
        yield client


@pytest.mark.parametrize("kind", ENDLESS)
async def test_frames_without_end_are_not_read_without_end(
    patient: Instance, http: httpx.AsyncClient, kind: str
) -> None:
    data = ENDLESS[kind] * (MIB // len(ENDLESS[kind]) + 1)
    before = rss_mib(patient)
    with non_reading_clients(patient, 1) as (client,):
        await client.open(str(uuid4()))
        pouring = asyncio.create_task(client.pour(data, 64 * MIB))
        waits_s = [await _wait_s(http) for _ in range(20)]
        assert await pouring < 32 * MIB
        assert rss_mib(patient) - before < GROWTH_MB
    assert median(waits_s) < OTHERS_WAIT_S


async def _wait_s(http: httpx.AsyncClient) -> float:
    began = monotonic()
    await http.get("/health")
    return monotonic() - began


@pytest.mark.parametrize(
    "data",
    [
        request_head("GET", "/health") * 1_000,
        request_head("POST", f"/v1/sessions/{uuid4()}/switch", Content_Length="2")[:-2]
        + b"\r\n{}" * 1_000,
    ],
    ids=["reads", "changes"],
)
async def test_requests_sent_all_at_once_are_not_queued_without_end(
    patient: Instance, data: bytes
) -> None:
    before = rss_mib(patient)
    with non_reading_clients(patient, 1) as (client,):
        await client.connect(b"")
        await client.pour(data, 64 * MIB)
        assert await client.is_over(within_s=TIMEOUT_S / 2)
        assert rss_mib(patient) - before < GROWTH_MB


@pytest.mark.parametrize(
    "endless",
    [
        b"GET /" + b"x" * 100_000,
        request_head("GET", "/health", X="x" * 100_000),
        request_head("GET", "/health")[:-2] + b"a: b\r\n" * 50_000,
        request_head("GET", "/ws", X="x" * 100_000, Connection="Upgrade", Upgrade="websocket"),
    ],
    ids=["path", "header", "headers", "handshake"],
)
async def test_a_head_without_end_is_refused(patient: Instance, endless: bytes) -> None:
    async with raw_connection(patient) as client:
        await client.send(endless)
        ending = await client.end()
    code = "REQUEST_HEADER_FIELDS_TOO_LARGE"
    assert (ending.status, ending.body["error"]["code"]) == (431, code)
    assert ending.after_s < TIMEOUT_S


async def test_a_head_of_ordinary_size_is_read(patient: Instance) -> None:
    async with raw_connection(patient) as client:
        await client.send(request_head("GET", "/health", X="x" * 16_000))
        assert b" 200 " in await client.answer()


@pytest.mark.parametrize("headers", [{"X" * 9_000: "x"}, {f"X{n}": "x" for n in range(200)}])
async def test_a_handshake_that_is_too_large_is_ended(
    patient: Instance, headers: dict[str, str]
) -> None:
    async with raw_connection(patient) as client:
        await client.send(handshake(str(uuid4()), **headers))
        ending = await client.end()
    assert ending.status == 400
    assert ending.after_s < TIMEOUT_S
