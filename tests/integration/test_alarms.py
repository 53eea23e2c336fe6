"""Flags that fall on functions, where nobody asks and no process could wait: through the queue."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import boto3
import httpx
import pytest
from redis.asyncio import Redis

from infra.local.functions import LocalFunctions, LocalRunOptions, running_functions
from infra.local.redis import embedded_redis
from infra.local.upstash import local_upstash
from shared.store.keys import Keys
from tests.support.api import ApiClient, chess, participant
from tests.support.shifted_clock import ShiftedClock

_PATIENCE_S = 15.0
_PROMISED_MS = 250
_WARM = ("create", "start", "read", "expire", "reconcile")


@dataclass
class Stage:
    """The functions, their Redis, and the clock that they take for its."""

    functions: LocalFunctions
    redis_url: str
    clock: ShiftedClock

    @property
    def alarms(self) -> Any:
        """The queue of alarms, as AWS's own client sees it."""
        sqs = boto3.resource(
            "sqs",
            endpoint_url=self.functions.aws_endpoint,
            region_name="ap-southeast-2",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        return sqs.Queue(self.functions.queue_urls["AlarmQueue"])


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """Functions that nothing wakes but their queues: schedules stand still."""
    clock = ShiftedClock()
    with embedded_redis() as redis_url, local_upstash(redis_url, around=clock.around) as upstash:
        settings = {
            "UPSTASH_REDIS_REST_URL": upstash.url,
            "UPSTASH_REDIS_REST_TOKEN": upstash.token,
            "PUBSUB": "on",
            # The one place at which the queue's delay is shortened: 15 minutes are too long here.
            "LONGEST_ALARM_S": "2",
        }
        options = LocalRunOptions(warm=_WARM, schedule_speed=0)
        with running_functions(settings, options) as functions:
            yield Stage(functions, redis_url, clock)


@pytest.fixture
async def api(stage: Stage) -> AsyncIterator[ApiClient]:
    """A client of the functions."""
    async with httpx.AsyncClient(base_url=stage.functions.url, timeout=10) as http:
        yield ApiClient(http)


def game(total_time_ms: int) -> dict[str, Any]:
    """A game that is over when its first player has used up the time."""
    players = [participant(total_time_ms), participant(60_000)]
    return chess(participants=players, action_on_timeout={"type": "end_session"})


class Listener:
    """What is published of one session."""

    def __init__(self, pubsub: Any) -> None:
        self._pubsub = pubsub
        self.heard: list[dict[str, Any]] = []

    async def until(self, kind: str) -> dict[str, Any]:
        """The next message of that type."""
        async with asyncio.timeout(_PATIENCE_S):
            while True:
                message = await self._pubsub.get_message(timeout=None)
                if message["type"] == "message":
                    self.heard.append(json.loads(message["data"]))
                    if self.heard[-1]["type"] == kind:
                        return self.heard[-1]


@asynccontextmanager
async def listening(stage: Stage, session_id: str) -> AsyncIterator[Listener]:
    """Hear what containers hear."""
    redis = Redis.from_url(stage.redis_url)
    async with redis, redis.pubsub() as pubsub:
        await pubsub.subscribe(Keys().push_channel(session_id))
        await pubsub.get_message(timeout=1)
        yield Listener(pubsub)


def lateness_of(expired: dict[str, Any]) -> int:
    """How long after its deadline a flag fall was published, ms."""
    return int(expired["timestamp"] - expired["deadline_ms"])


async def test_a_flag_falls_through_the_queue_though_nobody_asks(
    stage: Stage, api: ApiClient
) -> None:
    session_id = await api.created(game(4_000))
    async with listening(stage, session_id) as listener:
        await api.do(session_id, "start")
        expired = await listener.until("TIME_EXPIRED")
        ended = await listener.until("STATE_UPDATE")
    assert 0 <= lateness_of(expired) <= _PROMISED_MS
    assert ended["state"]["status"] == "expired"


async def test_cycles_and_warnings_go_by_unattended(stage: Stage, api: ApiClient) -> None:
    body = {
        **chess(auto_advance=True, warn_at_ms=[1_000]),
        "sync_mode": "per_cycle",
        "time_per_cycle_ms": 2_000,
    }
    session_id = await api.created(body)
    async with listening(stage, session_id) as listener:
        await api.do(session_id, "start")
        falls = [await listener.until("TIME_EXPIRED") for _ in range(2)]
        await api.do(session_id, "cancel")
    assert falls[1]["deadline_ms"] - falls[0]["deadline_ms"] == 2_000
    assert max(map(lateness_of, falls)) <= _PROMISED_MS
    assert [m["type"] for m in listener.heard].count("TIME_WARNING") == 2


async def test_a_deadline_farther_than_the_queue_can_wait_is_reached_in_steps(
    stage: Stage, api: ApiClient
) -> None:
    """Twenty minutes: one message after the other comes too early, while the store's clock runs."""
    session_id = await api.created(game(1_200_000))
    before = stage.functions.counts("expire").invocations
    async with listening(stage, session_id) as listener:
        await api.do(session_id, "start")
        async with asyncio.timeout(_PATIENCE_S):
            while stage.functions.counts("expire").invocations < before + 2:
                await asyncio.sleep(0.05)
        stage.clock.ahead_s += 1_200 - 8
        expired = await listener.until("TIME_EXPIRED")
    assert 0 <= lateness_of(expired) <= _PROMISED_MS


async def test_an_alarm_that_was_lost_is_made_up_for_by_the_schedule(
    stage: Stage, api: ApiClient
) -> None:
    session_id = await api.created(game(120_000))
    async with listening(stage, session_id) as listener:
        await api.do(session_id, "start")
        stage.alarms.purge()
        stage.functions.fire("reconcile")
        assert (await api.session(session_id))["version"] == 2, "nothing is due yet"
        stage.clock.ahead_s += 125
        stage.functions.fire("reconcile")
        expired = await listener.until("TIME_EXPIRED")
    started = listener.heard[0]["state"]
    assert expired["deadline_ms"] == started["server_time_ms"] + 120_000


async def test_an_alarm_that_comes_twice_is_done_once(stage: Stage, api: ApiClient) -> None:
    session_id = await api.created(game(3_000))
    async with listening(stage, session_id) as listener:
        running = (await api.do(session_id, "start")).json()["data"]
        at = running["server_time_ms"] + 3_000
        alarm = json.dumps({"name": session_id, "at": at})
        for _ in range(3):
            stage.alarms.send_message(MessageBody=alarm, DelaySeconds=1)
        await listener.until("TIME_EXPIRED")
        await listener.until("STATE_UPDATE")
        async with asyncio.timeout(_PATIENCE_S):
            while _waiting(stage.alarms):
                await asyncio.sleep(0.05)
        assert (await api.session(session_id))["version"] == 3
        await api.delete(session_id)
        await listener.until("SESSION_DELETED")
    assert [m["type"] for m in listener.heard].count("TIME_EXPIRED") == 1


def _waiting(queue: Any) -> int:
    """How many messages are in the queue, in whichever state."""
    queue.load()
    counted = (
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesDelayed",
    )
    return sum(int(queue.attributes[name]) for name in counted)
