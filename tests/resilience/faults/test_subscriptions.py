"""Pushes recover after a fault of the subscription to Redis while other connections work."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial

import httpx
import pytest

from tests.resilience.faults.conftest import FaultyDeployment
from tests.resilience.faults.fault_run import LIMIT_S, run_with_fault
from tests.resilience.faults.followers import SessionFollower, following
from tests.resilience.faults.players import long_game
from tests.resilience.faults.selection import chosen, name_of
from tests.support.api import ApiClient
from tests.support.fault_proxy.faults import (
    BLACKHOLED,
    NONE,
    REPLIES_STALLED,
    REQUESTS_STALLED,
    RESET,
    STALLED,
    Fault,
    Traffic,
)

_LONGER_THAN_ANY_READ_S = 1.5


def of_subscriptions(fault: Fault) -> Fault:
    """`fault`, limited to subscriptions."""
    return replace(fault, affects=Traffic.SUBSCRIPTIONS)


@pytest.fixture
async def api(container: FaultyDeployment) -> AsyncIterator[ApiClient]:
    """A client of the first instance."""
    async with httpx.AsyncClient(base_url=container.urls[0], timeout=30) as http:
        yield ApiClient(http)


async def check_caught_up(followers: list[SessionFollower], version: int) -> None:
    """Assert that all followers know `version` in time."""
    async with asyncio.timeout(LIMIT_S):
        await asyncio.gather(*(follower.wait_for(version) for follower in followers))


@pytest.mark.parametrize("fault", chosen(STALLED, full=[RESET, BLACKHOLED]), ids=name_of)
async def test_changes_go_on_and_pushes_resume(container: FaultyDeployment, fault: Fault) -> None:
    run = await run_with_fault(
        container, partial(container.redis.suffering, of_subscriptions(fault)), fault_s=1.5
    )
    assert set(run.log.statuses(since=run.warmed_up_at)) == {200, 201}


@pytest.mark.parametrize(
    "fault",
    chosen(RESET, REPLIES_STALLED, BLACKHOLED, full=[STALLED, REQUESTS_STALLED]),
    ids=name_of,
)
async def test_followers_learn_of_a_missed_change_without_a_later_one(
    container: FaultyDeployment, api: ApiClient, fault: Fault
) -> None:
    session_id = await api.started(long_game())
    async with following(session_id, *container.transports) as followers:
        with container.redis.suffering(of_subscriptions(fault)):
            await api.do(session_id, "switch")
        await check_caught_up(followers, 3)


async def test_a_gap_is_closed_even_if_the_first_read_of_the_state_failed(
    container: FaultyDeployment, api: ApiClient
) -> None:
    session_id = await api.started(long_game())
    async with following(session_id, *container.transports) as followers:
        container.redis.set_fault(of_subscriptions(RESET))
        try:
            await api.do(session_id, "switch")
            container.redis.set_fault(replace(STALLED, affects=Traffic.COMMANDS))
            await asyncio.sleep(_LONGER_THAN_ANY_READ_S)
        finally:
            container.redis.set_fault(NONE)
        await check_caught_up(followers, 3)
