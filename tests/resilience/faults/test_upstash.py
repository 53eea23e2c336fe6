"""Functions while the way to Upstash fails."""

from collections.abc import AsyncIterator
from functools import partial
from uuid import uuid4

import httpx
import pytest

from shared.store.connection import Script, script
from tests.resilience.faults.attempt_log import is_unavailable
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
from tests.resilience.faults.players import long_game
from tests.resilience.faults.reply_drop import every_other, only
from tests.resilience.faults.selection import chosen, name_of
from tests.support.api import ApiClient

_COMMIT = Script.of("#!lua flags=allow-key-locking\n" + script("commit").text).digest.encode()
_MOVES = ("switch for sure", "switch")
_GATEWAY_S = 0.5
"""What the gateway of this machine may add."""


@pytest.fixture
async def api(functions: Service) -> AsyncIterator[ApiClient]:
    """A client of the functions."""
    async with httpx.AsyncClient(base_url=functions.urls[0], timeout=10) as http:
        yield ApiClient(http)


@pytest.mark.parametrize(
    "fault",
    chosen(STALLED, RESET, full=[STRANDED, DEAF, MUTE, REFUSING, SLOW, JITTERY]),
    ids=name_of,
)
async def test_upstash_out_of_reach(functions: Service, fault: Fault) -> None:
    strike = partial(functions.redis.suffering, fault)
    await endure(functions, strike, moves=_MOVES, latency_s=_GATEWAY_S)


async def test_an_upstash_that_comes_and_goes(functions: Service) -> None:
    strike = partial(functions.redis.flapping, REFUSING, 0.15)
    await endure(functions, strike, moves=_MOVES, latency_s=_GATEWAY_S)


@pytest.mark.parametrize("loss", chosen(Loss.RESET, full=[Loss.SILENCE]), ids=name_of)
async def test_replies_to_commits_get_lost(functions: Service, loss: Loss) -> None:
    strike = partial(functions.redis.losing_replies, _COMMIT, loss, every_other)
    await endure(functions, strike, moves=_MOVES, latency_s=_GATEWAY_S)


@pytest.mark.parametrize("request_of", [b'"hmget"', _COMMIT], ids=["load", "commit"])
async def test_the_client_notices_nothing_of_one_lost_reply(
    functions: Service, api: ApiClient, request_of: bytes
) -> None:
    session_id = await api.started(long_game())
    with functions.redis.losing_replies(request_of, Loss.RESET, only(1)) as ambush:
        answer = await api.do(session_id, "switch")
    assert ambush.struck.is_set()
    assert (answer.status_code, answer.json()["data"]["version"]) == (200, 3)
    assert "idempotent-replayed" not in answer.headers
    assert (await api.session(session_id))["version"] == 3


async def test_a_client_that_was_told_to_come_back_gets_the_answer_that_was_lost(
    functions: Service, api: ApiClient
) -> None:
    session_id, key = await api.started(long_game()), {"Idempotency-Key": uuid4().hex}
    with functions.redis.losing_replies(_COMMIT, Loss.SILENCE, only(1)):
        assert is_unavailable(await api.do(session_id, "switch", headers=key))
    again = await api.do(session_id, "switch", headers=key)
    assert (again.status_code, again.json()["data"]["version"]) == (200, 3)
    assert again.headers["idempotent-replayed"] == "true"
