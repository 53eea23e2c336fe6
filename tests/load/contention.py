"""Users who share sessions; each sends the next switch when the last is answered (closed loop).

This checks that concurrent changes are neither lost nor applied twice; it has no rate. One request
in ten names the expected version; the service must refuse it if that version is old.
"""

import asyncio
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection as Pipe

import uvloop

from tests.load.connection import Pool, request
from tests.load.generator import AcceptedChange, LoadResults
from tests.load.scenarios import Scenario
from tests.load.targets import Target

_NAME_VERSION_EVERY = 10
_STALE = 412


def contend(
    pipe: Pipe, scenario: Scenario, targets: Sequence[Target], ports: Sequence[int]
) -> LoadResults:
    """Let the users of `scenario` switch until its duration is over; return the results."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_contend(pipe, scenario, targets, ports))


async def _contend(
    pipe: Pipe, scenario: Scenario, targets: Sequence[Target], ports: Sequence[int]
) -> LoadResults:
    results, pools = LoadResults(time.monotonic()), [Pool(port) for port in ports]
    users = [
        asyncio.create_task(
            _run_user(
                results, scenario.duration_s, n % len(targets), targets, pools[n % len(pools)]
            )
        )
        for n in range(scenario.users)
    ]
    waiting = set(users)
    while waiting:
        _, waiting = await asyncio.wait(waiting, timeout=1)
        pipe.send(results.progress(len(waiting)))
    for pool in pools:
        pool.close()
    await asyncio.gather(*users)
    return results


async def _run_user(
    results: LoadResults, duration_s: float, session: int, targets: Sequence[Target], pool: Pool
) -> None:
    path, last_version, number = f"/v1/sessions/{targets[session].session_id}/switch", 0, 0
    while (sent_s := time.monotonic()) < results.began_s + duration_s:
        number += 1
        expected = last_version if last_version and number % _NAME_VERSION_EVERY == 0 else None
        try:
            response = await pool.send(request("POST", path, if_match=expected))
        except (OSError, TimeoutError) as error:
            results.add("switch", sent_s, sent_s, type(error).__name__)
            continue
        if expected is not None and response.status == _STALE:
            results.stale_refused += 1
            continue
        results.add("switch", sent_s, sent_s, response)
        if response.status == 200:
            last_version = response.version
            results.changes.append(AcceptedChange(session, last_version, sent_s))
