"""A little of everything that figures tell of."""

import asyncio
from dataclasses import dataclass
from uuid import uuid4

from infra.local.instance import Instance
from tests.support import tokens
from tests.support.api import ApiClient, api_client, chess, participant
from tests.support.live import connect_live


@dataclass(frozen=True, slots=True)
class Played:
    """An instance, and the port of its figures."""

    instance: Instance
    metrics_port: int

    @property
    def metrics_url(self) -> str:
        """What a scraper asks."""
        return f"http://127.0.0.1:{self.metrics_port}/metrics"


async def play(played: Played) -> None:
    """A game with somebody who watches it, a flag that falls, and a request that is in vain."""
    token = tokens.host(tenant="acme")
    async with api_client(played.instance.url, token) as api:
        await asyncio.gather(_game(played, api, token), _flag(played, api, token))
        assert (await api.get(str(uuid4()))).status_code == 404


async def _game(played: Played, api: ApiClient, token: str) -> None:
    session_id = await api.created(chess())
    async with connect_live(played.instance, session_id, f"&token={token}") as follower:
        for verb in ("start", "switch", "switch", "complete"):
            assert (await api.do(session_id, verb)).status_code == 200
        await follower.until_version(5)


async def _flag(played: Played, api: ApiClient, token: str) -> None:
    body = chess(participants=[participant(1_000), participant(1_000)])
    session_id = await api.created(body)
    async with connect_live(played.instance, session_id, f"&token={token}") as follower:
        assert (await api.do(session_id, "start")).status_code == 200
        await follower.until(lambda message: message.get("cause") == "time_expired")
