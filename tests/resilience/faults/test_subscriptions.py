"""The one connection on which an instance hears of changes fails, while all others work."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial

import httpx
import pytest

from tests.resilience.faults.conftest import Service
from tests.resilience.faults.fault_run import PROMISE_S, endure
from tests.resilience.faults.faults import (
    DEAF,
    MUTE,
    NONE,
    RESET,
    STALLED,
    STRANDED,
    Fault,
    Traffic,
)
from tests.resilience.faults.followers import Follower, following
from tests.resilience.faults.players import long_game
from tests.resilience.faults.selection import chosen, name_of
from tests.support.api import ApiClient

_LONGER_THAN_ANY_READ_S = 1.5


def of_subscriptions(fault: Fault) -> Fault:
    """The same where only subscriptions suffer."""
    return replace(fault, of=Traffic.SUBSCRIPTIONS)


@pytest.fixture
async def api(container: Service) -> AsyncIterator[ApiClient]:
    """A client of the first instance."""
    async with httpx.AsyncClient(base_url=container.urls[0], timeout=10) as http:
        yield ApiClient(http)


async def caught_up(followers: list[Follower], version: int) -> None:
    """Assert that all know of that version in time."""
    async with asyncio.timeout(PROMISE_S):
        await asyncio.gather(*(follower.until(version) for follower in followers))


@pytest.mark.parametrize("fault", chosen(STALLED, full=[RESET, STRANDED]), ids=name_of)
async def test_changes_are_not_held_up_and_pushes_resume(container: Service, fault: Fault) -> None:
    trial = await endure(
        container, partial(container.redis.suffering, of_subscriptions(fault)), lasting_s=1.5
    )
    assert set(trial.ledger.statuses(since=trial.warm)) == {200, 201}


@pytest.mark.parametrize("fault", chosen(RESET, MUTE, STRANDED, full=[STALLED, DEAF]), ids=name_of)
async def test_a_change_that_nobody_heard_of_is_made_up_for_though_no_other_follows(
    container: Service, api: ApiClient, fault: Fault
) -> None:
    session_id = await api.started(long_game())
    async with following(session_id, *container.followings) as followers:
        with container.redis.suffering(of_subscriptions(fault)):
            await api.do(session_id, "switch")
        await caught_up(followers, 3)


async def test_a_gap_is_closed_though_the_state_could_not_be_read_when_it_was_noticed(
    container: Service, api: ApiClient
) -> None:
    session_id = await api.started(long_game())
    async with following(session_id, *container.followings) as followers:
        container.redis.begin(of_subscriptions(RESET))
        try:
            await api.do(session_id, "switch")
            container.redis.begin(replace(STALLED, of=Traffic.COMMANDS))
            await asyncio.sleep(_LONGER_THAN_ANY_READ_S)
        finally:
            container.redis.begin(NONE)
        await caught_up(followers, 3)
