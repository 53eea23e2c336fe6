"""Traffic on an instance that changes every kind of metric."""

import asyncio
from dataclasses import dataclass
from uuid import uuid4

from infra.local.instance import Instance
from tests.support import tokens
from tests.support.api import ApiClient, api_client, chess, participant
from tests.support.live import connect_live


@dataclass(frozen=True, slots=True)
class MonitoredInstance:
    """An instance and its metrics port."""

    instance: Instance
    metrics_port: int

    @property
    def metrics_url(self) -> str:
        """The URL that a scraper reads."""
        return f"http://127.0.0.1:{self.metrics_port}/metrics"


async def generate_traffic(monitored: MonitoredInstance) -> None:
    """Play a game with a subscriber, let a clock expire, and request a session that is missing."""
    token = tokens.host(tenant="acme")
    async with api_client(monitored.instance.url, token) as api:
        await asyncio.gather(_game(monitored, api, token), _expiry(monitored, api, token))
        assert (await api.get(str(uuid4()))).status_code == 404


async def play_test_session(monitored: MonitoredInstance) -> None:
    """Play a test session whose clock expires twice: without a request, and by an advance."""
    token = tokens.host(tenant="acme")
    players = [participant(1_000), participant(60_000)]
    async with api_client(monitored.instance.url, token) as api:
        session_id = await api.created(chess(test=True, participants=players))
        async with connect_live(monitored.instance, session_id, f"&token={token}") as follower:
            assert (await api.do(session_id, "start")).status_code == 200
            await follower.until(lambda message: message.get("cause") == "time_expired")
            assert (await api.do(session_id, "switch")).status_code == 200
            assert (await api.do(session_id, "advance", {"ms": 60_000})).status_code == 200
            await follower.until(lambda message: message.get("cause") == "session_advanced")


async def _game(monitored: MonitoredInstance, api: ApiClient, token: str) -> None:
    session_id = await api.created(chess())
    async with connect_live(monitored.instance, session_id, f"&token={token}") as follower:
        for verb in ("start", "switch", "switch", "complete"):
            assert (await api.do(session_id, verb)).status_code == 200
        await follower.until_version(5)


async def _expiry(monitored: MonitoredInstance, api: ApiClient, token: str) -> None:
    body = chess(participants=[participant(1_000), participant(1_000)])
    session_id = await api.created(body)
    async with connect_live(monitored.instance, session_id, f"&token={token}") as follower:
        assert (await api.do(session_id, "start")).status_code == 200
        await follower.until(lambda message: message.get("cause") == "time_expired")
