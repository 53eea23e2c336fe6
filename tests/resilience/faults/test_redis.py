"""Redis fails, or the way there: honest answers in time, and no change lost or made twice."""

import asyncio
from functools import partial

import httpx
import pytest

from shared.store.connection import script
from tests.resilience.faults.conftest import Service
from tests.resilience.faults.fault_run import endure
from tests.resilience.faults.faults import (
    DEAF,
    JITTERY,
    MUTE,
    REFUSING,
    RESET,
    SLOW,
    STALLED,
    STRANDED,
    Fault,
    Loss,
)
from tests.resilience.faults.followers import following
from tests.resilience.faults.reply_drop import every_other
from tests.resilience.faults.selection import chosen, name_of
from tests.support.api import ApiClient, chess, participant

COMMIT = script("commit").digest.encode()


_FLAG_FALLS_WITHIN_S = 2.0


@pytest.mark.parametrize(
    "fault", chosen(STALLED, STRANDED, RESET, full=[DEAF, MUTE, REFUSING]), ids=name_of
)
async def test_a_redis_out_of_reach(container: Service, fault: Fault) -> None:
    trial = await endure(container, partial(container.redis.suffering, fault))
    assert trial.ledger.statuses(since=trial.warm)[503]


@pytest.mark.parametrize("fault", chosen(SLOW, full=[JITTERY]), ids=name_of)
async def test_a_slow_redis(container: Service, fault: Fault) -> None:
    await endure(container, partial(container.redis.suffering, fault), latency_s=1)


async def test_a_redis_that_comes_and_goes(container: Service) -> None:
    await endure(container, partial(container.redis.flapping, REFUSING, 0.15))


@pytest.mark.parametrize("loss", chosen(Loss.RESET, full=[Loss.SILENCE]), ids=name_of)
async def test_replies_to_commits_get_lost(container: Service, loss: Loss) -> None:
    await endure(container, partial(container.redis.losing_replies, COMMIT, loss, every_other))


async def test_flags_fall_though_every_connection_was_reset(container: Service) -> None:
    """Whoever watches deadlines was asleep then, and its connections broke while idle."""
    players = [participant(1_000), participant(1_000)]
    async with httpx.AsyncClient(base_url=container.urls[0], timeout=10) as http:
        session_id = await ApiClient(http).started(chess(participants=players))
        with container.redis.suffering(RESET):
            pass  # an instant is enough
        async with asyncio.timeout(_FLAG_FALLS_WITHIN_S):
            async with following(session_id, *container.followings) as followers:
                await asyncio.gather(*(follower.until(3) for follower in followers))
