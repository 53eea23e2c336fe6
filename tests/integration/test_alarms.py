"""Timeouts on functions are applied through the alarm queue, and by a schedule if it loses one."""

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
from shared.store.keys import StoreKeys
from tests.support.api import ApiClient, chess, participant
from tests.support.shifted_clock import ShiftedClock

_TIMEOUT_S = 30.0
_MAX_LATENESS_MS = 5_000
"""The functions sleep until the deadline; the limit allows for a busy machine."""
_WARM = ("create", "start", "read", "expire", "reconcile")


@dataclass
class Deployment:
    """The functions, their Redis, and the clock that they read as Redis's."""

    functions: LocalFunctions
    redis_url: str
    clock: ShiftedClock

    @property
    def alarms(self) -> Any:
        """The alarm queue, through AWS's own client."""
        sqs = boto3.resource(
            "sqs",
            endpoint_url=self.functions.aws_endpoint,
            region_name="ap-southeast-2",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        return sqs.Queue(self.functions.queue_urls["AlarmQueue"])


@pytest.fixture(scope="module")
def deployment() -> Iterator[Deployment]:
    """Functions that only their queues invoke; schedules don't run."""
    clock = ShiftedClock()
    with embedded_redis() as redis_url, local_upstash(redis_url, around=clock.around) as upstash:
        settings = {
            "UPSTASH_REDIS_REST_URL": upstash.url,
            "UPSTASH_REDIS_REST_TOKEN": upstash.token,
            "PUBSUB": "on",
            # Shortened for the tests: the queue's limit is 15 minutes.
            "LONGEST_ALARM_S": "2",
        }
        options = LocalRunOptions(warm=_WARM, schedule_speed=0)
        with running_functions(settings, options) as functions:
            yield Deployment(functions, redis_url, clock)


@pytest.fixture
async def api(deployment: Deployment) -> AsyncIterator[ApiClient]:
    """Client of the functions."""
    async with httpx.AsyncClient(base_url=deployment.functions.url, timeout=30) as http:
        yield ApiClient(http)


def create_body(total_time_ms: int) -> dict[str, Any]:
    """Return a create body of a session that ends when the first player's time is used up."""
    players = [participant(total_time_ms), participant(60_000)]
    return chess(participants=players, action_on_timeout={"type": "end_session"})


class Subscription:
    """The messages published for one session."""

    def __init__(self, pubsub: Any) -> None:
        self._pubsub = pubsub
        self.received: list[dict[str, Any]] = []

    async def until(self, kind: str) -> dict[str, Any]:
        """Return the next message of type `kind`."""
        async with asyncio.timeout(_TIMEOUT_S):
            while True:
                message = await self._pubsub.get_message(timeout=None)
                if message["type"] == "message":
                    self.received.append(json.loads(message["data"]))
                    if self.received[-1]["type"] == kind:
                        return self.received[-1]


@asynccontextmanager
async def subscribed(deployment: Deployment, session_id: str) -> AsyncIterator[Subscription]:
    """Subscribe to the session's channel, as containers do."""
    redis = Redis.from_url(deployment.redis_url)
    async with redis, redis.pubsub() as pubsub:
        await pubsub.subscribe(StoreKeys().push_channel(session_id))
        await pubsub.get_message(timeout=30)
        yield Subscription(pubsub)


def lateness_of(expired: dict[str, Any]) -> int:
    """Return how long after its deadline a timeout was published, in ms."""
    return int(expired["timestamp"] - expired["deadline_ms"])


async def test_the_queue_applies_a_timeout_without_requests(
    deployment: Deployment, api: ApiClient
) -> None:
    session_id = await api.created(create_body(4_000))
    async with subscribed(deployment, session_id) as subscription:
        await api.do(session_id, "start")
        expired = await subscription.until("TIME_EXPIRED")
        ended = await subscription.until("STATE_UPDATE")
    assert 0 <= lateness_of(expired) <= _MAX_LATENESS_MS
    assert ended["state"]["status"] == "expired"


async def test_cycles_advance_and_warn_without_requests(
    deployment: Deployment, api: ApiClient
) -> None:
    body = {
        **chess(auto_advance=True, warn_at_ms=[1_000]),
        "sync_mode": "per_cycle",
        "time_per_cycle_ms": 2_000,
    }
    session_id = await api.created(body)
    async with subscribed(deployment, session_id) as subscription:
        await api.do(session_id, "start")
        timeouts = [await subscription.until("TIME_EXPIRED") for _ in range(2)]
        await api.do(session_id, "cancel")
    assert timeouts[1]["deadline_ms"] - timeouts[0]["deadline_ms"] == 2_000
    assert max(map(lateness_of, timeouts)) <= _MAX_LATENESS_MS
    assert [m["type"] for m in subscription.received].count("TIME_WARNING") == 2


async def test_a_deadline_farther_than_the_queue_can_wait_is_reached_in_steps(
    deployment: Deployment, api: ApiClient
) -> None:
    """The deadline is in 20 minutes, the queue's longest delay 2 s: messages arrive early."""
    session_id = await api.created(create_body(1_200_000))
    before = deployment.functions.counts("expire").invocations
    async with subscribed(deployment, session_id) as subscription:
        await api.do(session_id, "start")
        async with asyncio.timeout(_TIMEOUT_S):
            while deployment.functions.counts("expire").invocations < before + 2:
                await asyncio.sleep(0.05)
        deployment.clock.ahead_s += 1_200 - 8
        expired = await subscription.until("TIME_EXPIRED")
    assert 0 <= lateness_of(expired) <= _MAX_LATENESS_MS


async def test_an_advance_sets_the_alarm_of_a_test_session_anew(
    deployment: Deployment, api: ApiClient
) -> None:
    session_id = await api.created({**create_body(3_600_000), "test": True})
    async with subscribed(deployment, session_id) as subscription:
        await api.do(session_id, "start")
        answer = await api.do(session_id, "advance", {"ms": 3_600_000 - 5_000})
        assert answer.json()["data"]["status"] == "running"
        expired = await subscription.until("TIME_EXPIRED")
    assert 0 <= lateness_of(expired) <= _MAX_LATENESS_MS


async def test_the_schedule_makes_up_for_a_lost_alarm(
    deployment: Deployment, api: ApiClient
) -> None:
    session_id = await api.created(create_body(120_000))
    async with subscribed(deployment, session_id) as subscription:
        await api.do(session_id, "start")
        deployment.alarms.purge()
        deployment.functions.fire("reconcile")
        assert (await api.session(session_id))["version"] == 2, "nothing is due yet"
        deployment.clock.ahead_s += 125
        deployment.functions.fire("reconcile")
        expired = await subscription.until("TIME_EXPIRED")
    started = subscription.received[0]["state"]
    assert expired["deadline_ms"] == started["server_time_ms"] + 120_000


async def test_an_alarm_delivered_twice_is_applied_once(
    deployment: Deployment, api: ApiClient
) -> None:
    session_id = await api.created(create_body(3_000))
    async with subscribed(deployment, session_id) as subscription:
        running = (await api.do(session_id, "start")).json()["data"]
        at = running["server_time_ms"] + 3_000
        alarm = json.dumps({"name": session_id, "at": at})
        for _ in range(3):
            deployment.alarms.send_message(MessageBody=alarm, DelaySeconds=1)
        await subscription.until("TIME_EXPIRED")
        await subscription.until("STATE_UPDATE")
        async with asyncio.timeout(_TIMEOUT_S):
            while _message_count(deployment.alarms):
                await asyncio.sleep(0.05)
        assert (await api.session(session_id))["version"] == 3
        await api.delete(session_id)
        await subscription.until("SESSION_DELETED")
    assert [m["type"] for m in subscription.received].count("TIME_EXPIRED") == 1


def _message_count(queue: Any) -> int:
    """Return the number of messages in the queue: visible, in flight and delayed."""
    queue.load()
    attributes = (
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesDelayed",
    )
    return sum(int(queue.attributes[name]) for name in attributes)
