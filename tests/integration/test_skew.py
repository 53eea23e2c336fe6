"""An instance's own clock must not matter: the store's is the only one."""

import time
from datetime import datetime

import httpx
import pytest

from infra.local.instance import Instance, running
from tests.support.api import ApiClient, chess
from tests.support.live import connect_live

_TOLERANCE_MS = 5


@pytest.mark.parametrize("skew_s", ["5", "-5"])
async def test_a_skewed_instance_gives_the_same_answers(
    redis_url: str, instances: tuple[Instance, Instance], api: ApiClient, skew_s: str
) -> None:
    with running(redis_url, module="tests.support.skewed_server", SKEW_S=skew_s) as skewed:
        async with httpx.AsyncClient(base_url=skewed.url) as http:
            crooked = ApiClient(http)
            session_id = await crooked.started(chess())
            for client in (api, crooked, api, crooked):
                await client.do(session_id, "switch")
            here, there = await api.session(session_id), await crooked.session(session_id)
            assert here["deadline_at"] == there["deadline_at"]
            assert 0 <= there["server_time_ms"] - here["server_time_ms"] < 1_000
            used = sum(p["time_used_ms"] for p in there["participants"])
            lived = there["server_time_ms"] - _ms(there["session_started_at"])
            assert used == lived < 4_000
            async with connect_live(skewed, session_id) as follower:
                await api.do(session_id, "pause")
                update = await follower.until_type("STATE_UPDATE")
            assert update["state"]["version"] == 7


@pytest.mark.parametrize("skew_s", ["5", "-5"])
async def test_all_instances_tell_the_same_time(
    redis_url: str, api: ApiClient, skew_s: str
) -> None:
    """Both are asked within one span; what they say must fit into it, give or take 5 ms."""
    with running(redis_url, module="tests.support.skewed_server", SKEW_S=skew_s) as skewed:
        async with httpx.AsyncClient(base_url=skewed.url) as http:
            disagreements = [await _disagreement(api.http, http) for _ in range(20)]
    assert min(disagreements) <= _TOLERANCE_MS


async def _disagreement(here: httpx.AsyncClient, there: httpx.AsyncClient) -> float:
    """How far two clocks are apart, beyond the time that passed between the two questions."""
    first = (await here.get("/v1/time")).json()["timestamp_ms"]
    asked = time.monotonic()
    second = (await there.get("/v1/time")).json()["timestamp_ms"]
    passed_ms = (time.monotonic() - asked) * 1000
    return float(max(0, first - second, second - first - passed_ms))


def _ms(timestamp: str) -> int:
    return round(datetime.fromisoformat(timestamp).timestamp() * 1000)
