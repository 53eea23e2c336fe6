"""An instance's wall clock has no effect, since all times come from the store's clock."""

import time
from collections.abc import Iterator

import httpx
import pytest

from infra.local.instance import Instance, running
from tests.support.api import ApiClient, api_client, chess
from tests.support.instants import ms_of
from tests.support.live import connect_live

_TOLERANCE_MS = 2_000
"""The skew is an hour."""


@pytest.fixture(scope="module", params=["3600", "-3600"])
def skewed(redis_url: str, request: pytest.FixtureRequest) -> Iterator[Instance]:
    """An instance whose wall clock is wrong by so many seconds."""
    module = "tests.support.skewed_server"
    with running(redis_url, module=module, SKEW_S=request.param) as instance:
        yield instance


async def test_a_skewed_instance_gives_the_same_answers(api: ApiClient, skewed: Instance) -> None:
    async with api_client(skewed.url) as skewed_api:
        session_id = await skewed_api.started(chess())
        for client in (api, skewed_api, api, skewed_api):
            await client.do(session_id, "switch")
        here, there = await api.session(session_id), await skewed_api.session(session_id)
        assert here["deadline_at"] == there["deadline_at"]
        assert 0 <= there["server_time_ms"] - here["server_time_ms"] < 60_000
        used = sum(p["time_used_ms"] for p in there["participants"])
        running_ms = there["server_time_ms"] - ms_of(there["session_started_at"])
        assert used == running_ms < 60_000
        async with connect_live(skewed, session_id) as follower:
            await api.do(session_id, "pause")
            update = await follower.until_type("STATE_UPDATE")
        assert update["state"]["version"] == 7


async def test_a_skewed_instance_tells_the_same_time(api: ApiClient, skewed: Instance) -> None:
    async with httpx.AsyncClient(base_url=skewed.url, timeout=30) as http:
        assert await _clock_difference_ms(api.http, http) <= _TOLERANCE_MS


async def _clock_difference_ms(here: httpx.AsyncClient, there: httpx.AsyncClient) -> float:
    """Return by how much two clocks differ beyond the time between the requests, in ms."""
    began = time.monotonic()
    first = (await here.get("/v1/time")).json()["timestamp_ms"]
    second = (await there.get("/v1/time")).json()["timestamp_ms"]
    passed_ms = (time.monotonic() - began) * 1000
    return float(max(0, first - second, second - first - passed_ms))
