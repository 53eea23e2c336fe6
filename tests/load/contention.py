"""Users who share sessions and switch again as soon as they are answered: a closed loop.

The one scenario without a rate: it asks what the service makes of changes that collide, not how
long somebody waits. One request in ten says which version it means; a stale one is refused rightly.
"""

import asyncio
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection as Pipe

import uvloop

from tests.load.connection import Pool, request
from tests.load.generator import Change, Shots
from tests.load.scenarios import Scenario
from tests.load.targets import Target

_NAMED_VERSION = 10
_STALE = 412


def contend(
    pipe: Pipe, scenario: Scenario, targets: Sequence[Target], ports: Sequence[int]
) -> Shots:
    """Let the users of `scenario` switch until its time is over."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_contend(pipe, scenario, targets, ports))


async def _contend(
    pipe: Pipe, scenario: Scenario, targets: Sequence[Target], ports: Sequence[int]
) -> Shots:
    shots, pools = Shots(time.monotonic()), [Pool(port) for port in ports]
    users = [
        asyncio.create_task(
            _use(shots, scenario.duration_s, n % len(targets), targets, pools[n % len(pools)])
        )
        for n in range(scenario.users)
    ]
    waiting = set(users)
    while waiting:
        _, waiting = await asyncio.wait(waiting, timeout=1)
        pipe.send(shots.news(len(waiting)))
    for pool in pools:
        pool.close()
    await asyncio.gather(*users)
    return shots


async def _use(
    shots: Shots, duration_s: float, session: int, targets: Sequence[Target], pool: Pool
) -> None:
    path, known, number = f"/v1/sessions/{targets[session].session_id}/switch", 0, 0
    while (sent_s := time.monotonic()) < shots.began_s + duration_s:
        number += 1
        named = known if known and number % _NAMED_VERSION == 0 else None
        try:
            answer = await pool.send(request("POST", path, if_match=named))
        except (OSError, TimeoutError) as error:
            shots.note("switch", sent_s, sent_s, type(error).__name__)
            continue
        if named is not None and answer.status == _STALE:
            shots.refused += 1
            continue
        shots.note("switch", sent_s, sent_s, answer)
        if answer.status == 200:
            known = answer.version
            shots.changes.append(Change(session, known, sent_s))
