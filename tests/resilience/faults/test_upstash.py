"""While Upstash is unreachable or slow, functions answer correctly and in time; no change is lost
or made twice."""

from collections.abc import AsyncIterator
from functools import partial
from uuid import uuid4

import httpx
import pytest

from shared.store.connection import Script, load_script
from tests.resilience.faults.attempt_log import is_unavailable
from tests.resilience.faults.conftest import FaultyDeployment
from tests.resilience.faults.fault_run import run_with_fault
from tests.resilience.faults.players import long_game
from tests.resilience.faults.selection import chosen, name_of
from tests.support.api import ApiClient
from tests.support.fault_proxy.drops import every_other, only
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

_COMMIT = Script.of("#!lua flags=allow-key-locking\n" + load_script("commit").text).digest.encode()
_MOVES = ("switch with retries", "switch")
_GATEWAY_S = 0.5
"""Latency that the local gateway may add."""


@pytest.fixture
async def api(functions: FaultyDeployment) -> AsyncIterator[ApiClient]:
    """A client of the functions."""
    async with httpx.AsyncClient(base_url=functions.urls[0], timeout=30) as http:
        yield ApiClient(http)


@pytest.mark.parametrize(
    "fault",
    chosen(
        STALLED,
        RESET,
        full=[BLACKHOLED, REQUESTS_STALLED, REPLIES_STALLED, REFUSING, SLOW, JITTERY],
    ),
    ids=name_of,
)
async def test_an_unreachable_or_slow_upstash_loses_and_duplicates_no_change(
    functions: FaultyDeployment, fault: Fault
) -> None:
    inject = partial(functions.redis.suffering, fault)
    await run_with_fault(functions, inject, moves=_MOVES, latency_s=_GATEWAY_S)


async def test_a_flapping_upstash_loses_and_duplicates_no_change(
    functions: FaultyDeployment,
) -> None:
    inject = partial(functions.redis.flapping, REFUSING, 0.15)
    await run_with_fault(functions, inject, moves=_MOVES, latency_s=_GATEWAY_S)


@pytest.mark.parametrize("loss", chosen(Loss.RESET, full=[Loss.SILENCE]), ids=name_of)
async def test_lost_replies_to_commits_lose_and_duplicate_no_change(
    functions: FaultyDeployment, loss: Loss
) -> None:
    inject = partial(functions.redis.dropping_replies, _COMMIT, loss, every_other)
    await run_with_fault(functions, inject, moves=_MOVES, latency_s=_GATEWAY_S)


@pytest.mark.parametrize("request_of", [b'"hgetall"', _COMMIT], ids=["load", "commit"])
async def test_the_client_gets_its_answer_despite_one_lost_reply(
    functions: FaultyDeployment, api: ApiClient, request_of: bytes
) -> None:
    session_id = await api.started(long_game())
    with functions.redis.dropping_replies(request_of, Loss.RESET, only(1)) as drop:
        answer = await api.do(session_id, "switch")
    assert drop.dropped.is_set()
    assert (answer.status_code, answer.json()["data"]["version"]) == (200, 3)
    assert "idempotent-replayed" not in answer.headers
    assert (await api.session(session_id))["version"] == 3


async def test_a_retry_after_503_replays_the_lost_answer(
    functions: FaultyDeployment, api: ApiClient
) -> None:
    session_id, key = await api.started(long_game()), {"Idempotency-Key": uuid4().hex}
    with functions.redis.dropping_replies(_COMMIT, Loss.SILENCE, only(1)):
        assert is_unavailable(await api.do(session_id, "switch", headers=key))
    again = await api.do(session_id, "switch", headers=key)
    assert (again.status_code, again.json()["data"]["version"]) == (200, 3)
    assert again.headers["idempotent-replayed"] == "true"
