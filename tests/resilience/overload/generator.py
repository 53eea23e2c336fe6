"""Asks an instance for reads and switches, as a process: `python -m ... PORT CLIENTS SECONDS IDS`.

Each of the clients asks again as soon as it is answered, and 0.1 s after a refusal. One request in
five is a switch, each of another session. Prints each request as
`[ms on the machine's monotonic clock, ms until the answer, status]`, in one JSON list.
"""

import asyncio
import json
import sys
import time

import uvloop

from tests.load.connection import Pool, request

_SWITCH_EVERY = 5
_PAUSE_S = 0.1
_REFUSED = 503

Shot = tuple[float, float, int]


async def _ask(
    pool: Pool, requests: list[bytes], client: int, clients: int, ends: float
) -> list[Shot]:
    """The requests of one client."""
    shots: list[Shot] = []
    number = client
    while (sent := time.monotonic()) < ends:
        try:
            status = (await pool.send(requests[number % len(requests)])).status
        except (OSError, TimeoutError):
            status = 0
        shots.append((sent * 1000, (time.monotonic() - sent) * 1000, status))
        if status == _REFUSED:
            await asyncio.sleep(_PAUSE_S)
        number += clients
    return shots


async def main(port: int, clients: int, seconds: float, ids: list[str]) -> None:
    """Ask, and print."""
    pool = Pool(port)
    requests = [
        request("POST", f"/v1/sessions/{session_id}/switch")
        if (n + turn) % _SWITCH_EVERY == 0
        else request("GET", f"/v1/sessions/{session_id}")
        for turn in range(_SWITCH_EVERY)
        for n, session_id in enumerate(ids)
    ]
    ends = time.monotonic() + seconds
    asked = await asyncio.gather(*(_ask(pool, requests, n, clients, ends) for n in range(clients)))
    pool.close()
    print(json.dumps([shot for shots in asked for shot in shots]))


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4:]))
