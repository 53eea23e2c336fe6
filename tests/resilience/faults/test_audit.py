"""Changes don't wait for an unreachable or slow audit database, and its trail is complete later."""

import asyncio
from functools import partial
from statistics import median

import httpx
import pytest

from infra.local.postgres import EmbeddedPostgres
from shared.audit.postgres import PostgresAuditLog
from tests.resilience.faults.attempt_log import is_unavailable
from tests.resilience.faults.conftest import FaultyDeployment, url_of_postgres
from tests.resilience.faults.fault_run import LIMIT_S, FaultRun, Injector, run_with_fault
from tests.resilience.faults.selection import chosen, name_of
from tests.support.fault_proxy.drops import only
from tests.support.fault_proxy.faults import (
    BLACKHOLED,
    REFUSING,
    REPLIES_STALLED,
    REQUESTS_STALLED,
    RESET,
    SLOW,
    STALLED,
    Fault,
    Loss,
)
from tests.support.fault_proxy.proxy import faulty_proxy
from tests.support.scenarios import entries_of, switched_session

_WRITE = b"record_events"
_LONG_ENOUGH_S = 0.6
_NOISE_S = 0.5
"""Far less than waiting for the database would add."""

_WRITE_TIMEOUT_S = 5.0


@pytest.mark.parametrize(
    "fault",
    chosen(STALLED, RESET, full=[REQUESTS_STALLED, REPLIES_STALLED, BLACKHOLED, REFUSING, SLOW]),
    ids=name_of,
)
async def test_changes_do_not_wait_for_an_unreachable_postgres(
    container: FaultyDeployment, fault: Fault
) -> None:
    inject = partial(container.audit.suffering, fault)
    _check_changes_unaffected(await _run(container, inject, is_unreachable=fault is not SLOW))


@pytest.mark.parametrize(
    "fault",
    chosen(REFUSING, full=[STALLED, REQUESTS_STALLED, REPLIES_STALLED, BLACKHOLED, RESET, SLOW]),
    ids=name_of,
)
async def test_changes_do_not_wait_for_an_unreachable_supabase(
    supabase_container: FaultyDeployment, fault: Fault
) -> None:
    inject = partial(supabase_container.audit.suffering, fault)
    run = await _run(supabase_container, inject, is_unreachable=fault is not SLOW)
    _check_changes_unaffected(run)


async def test_changes_do_not_wait_for_a_flapping_postgres(container: FaultyDeployment) -> None:
    inject = partial(container.audit.flapping, REFUSING, 0.15)
    _check_changes_unaffected(await _run(container, inject))


@pytest.mark.parametrize("loss", chosen(Loss.RESET, full=[Loss.SILENCE]), ids=name_of)
async def test_a_lost_reply_of_postgres_delays_no_change_and_duplicates_no_event(
    container: FaultyDeployment, loss: Loss
) -> None:
    _check_changes_unaffected(await _run(container, *_dropping_one_reply(container, loss)))


@pytest.mark.parametrize("loss", chosen(Loss.RESET, full=[Loss.SILENCE]), ids=name_of)
async def test_a_lost_reply_of_supabase_delays_no_change_and_duplicates_no_event(
    supabase_container: FaultyDeployment, loss: Loss
) -> None:
    run = await _run(supabase_container, *_dropping_one_reply(supabase_container, loss))
    _check_changes_unaffected(run)


async def test_functions_make_changes_while_supabase_is_unreachable(
    functions: FaultyDeployment,
) -> None:
    inject = partial(functions.audit.suffering, STALLED)
    run = await run_with_fault(functions, inject, moves=("switch with retries", "switch"))
    assert set(run.log.statuses(since=run.warmed_up_at)) == {200, 201}


async def test_a_write_with_a_lost_reply_blocks_no_other_write(
    own_postgres: EmbeddedPostgres,
) -> None:
    entries = entries_of(switched_session())
    with faulty_proxy(own_postgres.port) as proxy:
        log = PostgresAuditLog(url_of_postgres(proxy.port))
        with proxy.dropping_replies(_WRITE, Loss.SILENCE, only(1)) as drop:
            unanswered = asyncio.create_task(log.append(entries))
            await asyncio.to_thread(drop.dropped.wait)
            assert await log.append(entries) == []
            assert not unanswered.done()
        unanswered.cancel()
        await asyncio.wait({unanswered})
        await log.close()


def _dropping_one_reply(deployment: FaultyDeployment, loss: Loss) -> tuple[Injector, float]:
    """Return an injector that drops one write's reply, and the time limit for the trail in s."""
    inject = partial(deployment.audit.dropping_replies, _WRITE, loss, only(1))
    return inject, LIMIT_S + (_WRITE_TIMEOUT_S if loss is Loss.SILENCE else 0)


async def _run(
    deployment: FaultyDeployment,
    inject: Injector,
    written_within_s: float = 30.0,
    *,
    is_unreachable: bool = False,
) -> FaultRun:
    """Run with the fault; if it makes the database unreachable, check that the API reports it."""

    async def check_trail_is_unavailable() -> None:
        await asyncio.gather(*(_check_trail_is_unavailable(url) for url in deployment.urls))

    return await run_with_fault(
        deployment,
        inject,
        healthy_s=_LONG_ENOUGH_S,
        fault_s=_LONG_ENOUGH_S,
        written_within_s=written_within_s,
        during_fault=check_trail_is_unavailable if is_unreachable else None,
    )


async def _check_trail_is_unavailable(url: str) -> None:
    async with httpx.AsyncClient(base_url=url, timeout=30) as http:
        created = await http.post("/v1/sessions", json={"sync_mode": "count_up"})
        path = f"/v1/sessions/{created.json()['data']['session_id']}"
        events, replay, ready = await asyncio.gather(
            http.get(f"{path}/events"), http.get(f"{path}/replay?version=100"), http.get("/ready")
        )
        assert is_unavailable(events)
        assert is_unavailable(replay)
        assert (ready.status_code, ready.json()["status"]) == (200, "degraded")


def _check_changes_unaffected(run: FaultRun) -> None:
    """Assert that no change failed, and that none waited for the trail.

    A change that waits takes at least a second; the limit leaves room for a busy machine.
    """
    assert set(run.log.statuses(since=run.warmed_up_at)) == {200, 201}
    before = run.log.durations(run.warmed_up_at, run.fault_began_at)
    during = run.log.durations(run.fault_began_at, run.fault_ended_at)
    print(f"median {median(before) * 1000:.2f} ms, then {median(during) * 1000:.2f} ms")
    assert median(during) < 10 * median(before) + _NOISE_S
