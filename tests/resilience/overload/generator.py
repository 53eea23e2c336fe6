"""Load generator for reads and switches, run by the test: `python -m ... PORT CLIENTS SECONDS IDS`.

Each client sends its next request as soon as it has a response, and 0.1 s after a refusal. One
request in five is a switch, each of another session. Prints one JSON list with an entry per
request: `[ms on the machine's monotonic clock, ms until the response, status]`.
"""

import asyncio
import json
import sys
import time

import uvloop

from tests.load.connection import Pool, request

_SWITCH_EVERY = 5
_PAUSE_AFTER_REFUSAL_S = 0.1
_REFUSED_STATUS = 503

Sample = tuple[float, float, int]


async def _run_client(
    pool: Pool, requests: list[bytes], client: int, clients: int, ends_at: float
) -> list[Sample]:
    """Send one client's requests."""
    samples: list[Sample] = []
    number = client
    while (sent := time.monotonic()) < ends_at:
        try:
            status = (await pool.send(requests[number % len(requests)])).status
        except (OSError, TimeoutError):
            status = 0
        samples.append((sent * 1000, (time.monotonic() - sent) * 1000, status))
        if status == _REFUSED_STATUS:
            await asyncio.sleep(_PAUSE_AFTER_REFUSAL_S)
        number += clients
    return samples


async def main(port: int, clients: int, seconds: float, ids: list[str]) -> None:
    """Run all clients and print their samples."""
    pool = Pool(port)
    requests = [
        request("POST", f"/v1/sessions/{session_id}/switch")
        if (n + turn) % _SWITCH_EVERY == 0
        else request("GET", f"/v1/sessions/{session_id}")
        for turn in range(_SWITCH_EVERY)
        for n, session_id in enumerate(ids)
    ]
    ends_at = time.monotonic() + seconds
    results = await asyncio.gather(
        *(_run_client(pool, requests, n, clients, ends_at) for n in range(clients))
    )
    pool.close()
    print(json.dumps([sample for samples in results for sample in samples]))


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4:]))
