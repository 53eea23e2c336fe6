"""A trial judges only what it has waited for."""

import asyncio

from tests.resilience.faults.attempt_log import now
from tests.resilience.faults.conftest import Service
from tests.resilience.faults.fault_run import Trial, cast
from tests.resilience.faults.faults import NONE, STALLED

_LATE_S = 0.5


async def test_a_creation_that_was_answered_is_waited_for_though_nobody_plays_its_session(
    container: Service,
) -> None:
    trial = Trial(container)
    try:
        async with cast(trial, written_within_s=5.0):
            played = {p.session_id: await p.version() for p in trial.players[:2]}
            await container.trail.until(played, trial.ledger)
            container.audit.begin(STALLED)
            creator = trial.players[-1]
            assert await creator.found() not in played
            trial.ended = now()
            asyncio.get_running_loop().call_later(_LATE_S, container.audit.begin, NONE)
    finally:
        container.audit.begin(NONE)
    container.trail.check(trial.ledger)
