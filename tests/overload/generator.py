"""Asks an instance for reads and switches, as a process: `python -m ... PORT RATE SECONDS IDS`.

With a rate of 0 it finds out the capacity: 16 connections ask again as soon as they are answered.
Otherwise requests are sent at that rate (a second), however late the answers come. Prints each
request as `[ms after the beginning, ms until the answer, status]`, in one JSON list.
"""

import asyncio
import json
import sys
import time

import uvloop

from tests.load.connection import Pool, request

_CONNECTIONS = 16
_SWITCH_EVERY = 5
_TICK_S = 0.002
_MOST_FLYING = 1_000
"""What comes on top isn't sent: else a generator that can't keep up would measure itself."""

Shot = tuple[float, float, int]


async def _fire(pool: Pool, requests: list[bytes], number: int, began: float) -> Shot:
    sent = time.monotonic()
    try:
        status = (await pool.send(requests[number % len(requests)])).status
    except (OSError, TimeoutError):
        status = 0
    return (sent - began) * 1000, (time.monotonic() - sent) * 1000, status


async def _closed(pool: Pool, requests: list[bytes], seconds: float) -> list[Shot]:
    began, shots = time.monotonic(), []

    async def one(first: int) -> None:
        number = first
        while time.monotonic() - began < seconds:
            shots.append(await _fire(pool, requests, number, began))
            number += _CONNECTIONS

    await asyncio.gather(*map(one, range(_CONNECTIONS)))
    return shots


async def _open(pool: Pool, requests: list[bytes], rate: float, seconds: float) -> list[Shot]:
    began = time.monotonic()
    shots: list[Shot] = []
    flying: set[asyncio.Task[Shot]] = set()
    sent = 0

    def landed(task: asyncio.Task[Shot]) -> None:
        flying.discard(task)
        shots.append(task.result())

    while (elapsed := time.monotonic() - began) < seconds:
        due = int(elapsed * rate)
        while sent < due:
            if len(flying) < _MOST_FLYING:
                task = asyncio.create_task(_fire(pool, requests, sent, began))
                flying.add(task)
                task.add_done_callback(landed)
            sent += 1
        await asyncio.sleep(_TICK_S)
    if flying:
        await asyncio.wait(flying)
    return shots


async def main(port: int, rate: float, seconds: float, ids: list[str]) -> None:
    """Ask, and print."""
    pool = Pool(port)
    requests = [
        request("POST", f"/v1/sessions/{session_id}/switch")
        if n % _SWITCH_EVERY == 0
        else request("GET", f"/v1/sessions/{session_id}")
        for n, session_id in enumerate(ids)
    ]
    if rate:
        shots = await _open(pool, requests, rate, seconds)
    else:
        shots = await _closed(pool, requests, seconds)
    pool.close()
    print(json.dumps(shots))


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]), sys.argv[4:]))
