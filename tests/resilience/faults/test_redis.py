"""While Redis is unreachable or slow, every answer is correct and in time; no change is lost or
made twice."""

import asyncio
from functools import partial

import httpx
import pytest

from shared.store.connection import load_script
from tests.resilience.faults.conftest import FaultyDeployment
from tests.resilience.faults.fault_run import run_with_fault
from tests.resilience.faults.followers import following
from tests.resilience.faults.selection import chosen, name_of
from tests.support.api import ApiClient, chess, participant
from tests.support.fault_proxy.drops import every_other
from tests.support.fault_proxy.faults import (
    BLACKHOLED,
    JITTERY,
    REFUSING,
    REPLIES_STALLED,
    REQUESTS_STALLED,
    RESET,
    SLOW,
    STALLED,
    Fault,
    Loss,
)

COMMIT = load_script("commit").digest.encode()
_FLAG_FALLS_WITHIN_S = 30.0


@pytest.mark.parametrize(
    "fault",
    chosen(STALLED, BLACKHOLED, RESET, full=[REQUESTS_STALLED, REPLIES_STALLED, REFUSING]),
    ids=name_of,
)
async def test_an_unreachable_redis_is_answered_with_503_in_time(
    container: FaultyDeployment, fault: Fault
) -> None:
    run = await run_with_fault(container, partial(container.redis.suffering, fault))
    assert run.log.statuses(since=run.warmed_up_at)[503]


@pytest.mark.parametrize("fault", chosen(SLOW, full=[JITTERY]), ids=name_of)
async def test_a_slow_redis_delays_answers_and_loses_no_change(
    container: FaultyDeployment, fault: Fault
) -> None:
    await run_with_fault(container, partial(container.redis.suffering, fault), latency_s=1)


async def test_a_flapping_redis_loses_and_duplicates_no_change(container: FaultyDeployment) -> None:
    await run_with_fault(container, partial(container.redis.flapping, REFUSING, 0.15))


@pytest.mark.parametrize("loss", chosen(Loss.RESET, full=[Loss.SILENCE]), ids=name_of)
async def test_lost_replies_to_commits_lose_and_duplicate_no_change(
    container: FaultyDeployment, loss: Loss
) -> None:
    await run_with_fault(
        container, partial(container.redis.dropping_replies, COMMIT, loss, every_other)
    )


async def test_flags_fall_after_a_reset_of_every_connection(container: FaultyDeployment) -> None:
    """The reset comes while the deadline worker sleeps and its connections are idle."""
    players = [participant(1_000), participant(1_000)]
    async with httpx.AsyncClient(base_url=container.urls[0], timeout=30) as http:
        session_id = await ApiClient(http).started(chess(participants=players))
        with container.redis.suffering(RESET):
            pass  # existing connections are reset at once
        async with asyncio.timeout(_FLAG_FALLS_WITHIN_S):
            async with following(session_id, *container.transports) as followers:
                await asyncio.gather(*(follower.wait_for(3) for follower in followers))
