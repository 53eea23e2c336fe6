"""Timeout latency: from the deadline to the message on a WebSocket."""

import asyncio
import json
from uuid import uuid4

import httpx
import msgspec
from synckairos import ServerClock, SyncKairos
from websockets.asyncio.client import connect

from infra.local.instance import Instance, running
from tests.load.bench.figures import Figures, summarize

_SESSIONS = 200
_START_INTERVAL_S = 0.02
_BANK_MS = 1_000


def measure_timeouts(first: Instance, redis_url: str) -> Figures:
    """Measure the latency of 200 timeouts, 20 ms apart, with two instances watching deadlines."""
    with running(redis_url, quiet=True) as second:
        return summarize(asyncio.run(_measure_all(first, second)))


async def _measure_all(first: Instance, second: Instance) -> list[float]:
    async with (
        httpx.AsyncClient(base_url=first.url, trust_env=False) as http,
        SyncKairos(first.url, http=http) as client,
    ):
        await client.clock.sync()
        measurements = []
        for number in range(_SESSIONS):
            instance = (first, second)[number % 2]
            measurements.append(asyncio.create_task(_measure(http, instance, client.clock)))
            await asyncio.sleep(_START_INTERVAL_S)
        return await asyncio.gather(*measurements)


async def _measure(http: httpx.AsyncClient, instance: Instance, clock: ServerClock) -> float:
    session_id = str(uuid4())
    players = [{"participant_id": str(uuid4()), "total_time_ms": _BANK_MS} for _ in range(2)]
    body = {"session_id": session_id, "sync_mode": "per_participant", "participants": players}
    async with connect(f"{instance.ws}?sessionId={session_id}", proxy=None) as socket:
        await http.post("/v1/sessions", content=msgspec.json.encode(body))
        await http.post(f"/v1/sessions/{session_id}/start")
        async for text in socket:
            received_ms = clock.now()
            message = json.loads(text)
            if message["type"] == "TIME_EXPIRED":
                await http.delete(f"/v1/sessions/{session_id}")
                return received_ms - float(message["deadline_ms"])
    raise AssertionError("the server closed the connection before the timeout")
