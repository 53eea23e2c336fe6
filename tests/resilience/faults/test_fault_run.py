"""A run with a fault checks the trail only once it holds every answered change."""

import asyncio

from tests.resilience.faults.attempt_log import now
from tests.resilience.faults.conftest import FaultyDeployment
from tests.resilience.faults.fault_run import FaultRun, clients
from tests.support.fault_proxy.faults import NONE, STALLED

_LATE_S = 0.5


async def test_a_run_waits_for_the_trail_of_created_sessions_that_are_not_played(
    container: FaultyDeployment,
) -> None:
    run = FaultRun(container)
    try:
        async with clients(run, written_within_s=30.0):
            played = {p.session_id: await p.version() for p in run.players[:2]}
            await container.trail.until(played, run.log)
            container.audit.set_fault(STALLED)
            creator = run.players[-1]
            assert await creator.create() not in played
            run.fault_ended_at = now()
            asyncio.get_running_loop().call_later(_LATE_S, container.audit.set_fault, NONE)
    finally:
        container.audit.set_fault(NONE)
    container.trail.check(run.log)
