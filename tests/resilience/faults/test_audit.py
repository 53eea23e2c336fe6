"""The audit database fails, or the way there: nobody waits for it, and it misses nothing."""

import asyncio
from functools import partial
from statistics import median

import httpx
import pytest

from infra.local.postgres import EmbeddedPostgres
from shared.audit.postgres import PostgresAuditLog
from tests.resilience.faults.attempt_log import is_unavailable, now
from tests.resilience.faults.conftest import Service, url_of_postgres
from tests.resilience.faults.fault_run import PROMISE_S, Strike, Trial, endure
from tests.resilience.faults.faults import (
    DEAF,
    MUTE,
    REFUSING,
    RESET,
    SLOW,
    STALLED,
    STRANDED,
    Fault,
    Loss,
)
from tests.resilience.faults.proxy import faulty_proxy
from tests.resilience.faults.reply_drop import only
from tests.resilience.faults.selection import chosen, name_of
from tests.support.scenarios import entries_of, switched_session

_WRITE = b"record_events"
_LONG_ENOUGH_S = 0.6
_NOISE_S = 0.05
"""Far less than a database that is waited for would add."""

_WRITE_TIMEOUT_S = 5.0


@pytest.mark.parametrize(
    "fault", chosen(STALLED, RESET, full=[DEAF, MUTE, STRANDED, REFUSING, SLOW]), ids=name_of
)
async def test_postgres_out_of_reach(container: Service, fault: Fault) -> None:
    strike = partial(container.audit.suffering, fault)
    _check_nobody_noticed(await _endured(container, strike, is_away=fault is not SLOW))


@pytest.mark.parametrize(
    "fault", chosen(REFUSING, full=[STALLED, DEAF, MUTE, STRANDED, RESET, SLOW]), ids=name_of
)
async def test_supabase_out_of_reach(supabase_container: Service, fault: Fault) -> None:
    strike = partial(supabase_container.audit.suffering, fault)
    trial = await _endured(supabase_container, strike, is_away=fault is not SLOW)
    _check_nobody_noticed(trial)


async def test_a_postgres_that_comes_and_goes(container: Service) -> None:
    strike = partial(container.audit.flapping, REFUSING, 0.15)
    _check_nobody_noticed(await _endured(container, strike))


@pytest.mark.parametrize("loss", chosen(Loss.RESET, full=[Loss.SILENCE]), ids=name_of)
async def test_postgres_wrote_and_its_reply_was_lost(container: Service, loss: Loss) -> None:
    _check_nobody_noticed(await _endured(container, *_losing(container, loss)))


@pytest.mark.parametrize("loss", chosen(Loss.RESET, full=[Loss.SILENCE]), ids=name_of)
async def test_supabase_wrote_and_its_reply_was_lost(
    supabase_container: Service, loss: Loss
) -> None:
    trial = await _endured(supabase_container, *_losing(supabase_container, loss))
    _check_nobody_noticed(trial)


async def test_functions_without_supabase(functions: Service) -> None:
    strike = partial(functions.audit.suffering, STALLED)
    trial = await endure(functions, strike, moves=("switch for sure", "switch"))
    assert set(trial.ledger.statuses(since=trial.warm)) == {200, 201}


async def test_a_write_whose_end_postgres_never_hears_of_stands_in_nobody_s_way(
    own_postgres: EmbeddedPostgres,
) -> None:
    entries = entries_of(switched_session())
    with faulty_proxy(own_postgres.port) as proxy:
        log = PostgresAuditLog(url_of_postgres(proxy.port))
        with proxy.losing_replies(_WRITE, Loss.SILENCE, only(1)) as ambush:
            unanswered = asyncio.create_task(log.append(entries))
            await asyncio.to_thread(ambush.struck.wait)
            async with asyncio.timeout(PROMISE_S):
                assert await log.append(entries) == []
        unanswered.cancel()
        await asyncio.wait({unanswered})
        await log.close()


def _losing(stage: Service, loss: Loss) -> tuple[Strike, float]:
    """How one write's reply is lost, and how long the trail may take to be whole again."""
    strike = partial(stage.audit.losing_replies, _WRITE, loss, only(1))
    return strike, PROMISE_S + (_WRITE_TIMEOUT_S if loss is Loss.SILENCE else 0)


async def _endured(
    stage: Service, strike: Strike, written_within_s: float = 5.0, *, is_away: bool = False
) -> Trial:
    """The trial; where the trail `is_away`, that is told in time to those who ask for it."""

    async def ask_for_the_trail() -> None:
        await asyncio.gather(*(_told_that_it_is_away(url) for url in stage.urls))

    return await endure(
        stage,
        strike,
        calm_s=_LONG_ENOUGH_S,
        lasting_s=_LONG_ENOUGH_S,
        written_within_s=written_within_s,
        meanwhile=ask_for_the_trail if is_away else None,
    )


async def _told_that_it_is_away(url: str) -> None:
    async with httpx.AsyncClient(base_url=url, timeout=10) as http:
        founded = await http.post("/v1/sessions", json={"sync_mode": "count_up"})
        path = f"/v1/sessions/{founded.json()['data']['session_id']}"
        begun = now()
        events, replay, ready = await asyncio.gather(
            http.get(f"{path}/events"), http.get(f"{path}/replay?version=100"), http.get("/ready")
        )
        assert now() - begun < PROMISE_S
        assert is_unavailable(events)
        assert is_unavailable(replay)
        assert (ready.status_code, ready.json()["status"]) == (200, "degraded")


def _check_nobody_noticed(trial: Trial) -> None:
    """Assert that no change was refused, and none took longer than before."""
    assert set(trial.ledger.statuses(since=trial.warm)) == {200, 201}
    before = trial.ledger.durations(trial.warm, trial.struck)
    during = trial.ledger.durations(trial.struck, trial.ended)
    print(f"median {median(before) * 1000:.2f} ms, then {median(during) * 1000:.2f} ms")
    assert median(during) < 2 * median(before) + _NOISE_S
