"""How late a timeout reaches a subscriber: from the deadline to the message."""

import asyncio
import json
from uuid import uuid4

import httpx
import msgspec
from synckairos import ServerClock, SyncKairos
from websockets.asyncio.client import connect

from functions.tools.bench.figures import Figures, of_samples
from infra.local.instance import Instance, running

_GAMES = 200
_APART_S = 0.02
_BANK_MS = 1_000


def of_flags(first: Instance, redis_url: str) -> Figures:
    """The lateness of many timeouts, one at a time, while two instances watch the deadlines."""
    with running(redis_url, quiet=True) as second:
        return of_samples(asyncio.run(_play_all(first, second)))


async def _play_all(first: Instance, second: Instance) -> list[float]:
    async with (
        httpx.AsyncClient(base_url=first.url, trust_env=False) as http,
        SyncKairos(first.url, http=http) as client,
    ):
        await client.clock.sync()
        games = []
        for number in range(_GAMES):
            watched = (first, second)[number % 2]
            games.append(asyncio.create_task(_play(http, watched, client.clock)))
            await asyncio.sleep(_APART_S)
        return await asyncio.gather(*games)


async def _play(http: httpx.AsyncClient, watched: Instance, clock: ServerClock) -> float:
    session_id = str(uuid4())
    players = [{"participant_id": str(uuid4()), "total_time_ms": _BANK_MS} for _ in range(2)]
    body = {"session_id": session_id, "sync_mode": "per_participant", "participants": players}
    async with connect(f"{watched.ws}?sessionId={session_id}", proxy=None) as socket:
        await http.post("/v1/sessions", content=msgspec.json.encode(body))
        await http.post(f"/v1/sessions/{session_id}/start")
        async for text in socket:
            received_ms = clock.now()
            message = json.loads(text)
            if message["type"] == "TIME_EXPIRED":
                await http.delete(f"/v1/sessions/{session_id}")
                return received_ms - float(message["deadline_ms"])
    raise AssertionError("the server left before the flag fell")
