"""Numbers in a session's metadata and timeout action come back as they were given."""

import asyncio
import json
import re
from typing import Any

import pytest

from tests.support.api import ApiClient, chess, participant
from tests.support.target import IS_FUNCTIONS

pytestmark = pytest.mark.http

NUMBERS = (
    "[1e20,-1e20,1.0,1,0,-0.0,1e16,9007199254740993,18446744073709551615,-9223372036854775808,"
    "0.1,1e-7,5e-324,1.7976931348623157e308,100000.0,0.30000000000000004,4.0]"
)
"""JSON with each number in its shortest form, so that answers can be compared as text."""

_TRAIL_TIMEOUT_S = 30.0


def occurrences(text: str) -> int:
    """Count the occurrences of the numbers in an answer that comes from the trail.

    The emulator in front of the functions' trail parses JSON as JavaScript does, into doubles, so
    there the numbers are compared as doubles.
    """
    if not IS_FUNCTIONS:
        return text.count(NUMBERS)
    given = list(map(float, json.loads(NUMBERS)))
    found = re.findall(r'"numbers":(\[[^\]]*\])', text)
    return sum(list(map(float, json.loads(one))) == given for one in found)


async def start_session(api: ApiClient) -> str:
    """Start a session that holds the numbers and expires after 1 s; return its id."""
    body = chess(
        participants=[participant(1_000), participant(60_000)],
        metadata={"numbers": "HERE"},
        action_on_timeout={"type": "skip_cycle", "numbers": "HERE"},
    )
    content = json.dumps(body).replace('"HERE"', NUMBERS)
    headers = {"Content-Type": "application/json"}
    answer = await api.http.post("/v1/sessions", content=content, headers=headers)
    assert answer.text.count(NUMBERS) == 2
    session_id = str(answer.json()["data"]["session_id"])
    await api.do(session_id, "start")
    return session_id


async def trail_with_event(api: ApiClient, session_id: str, event: str) -> str:
    """Return the trail as text once it has that event."""
    async with asyncio.timeout(_TRAIL_TIMEOUT_S):
        while True:
            answer = await api.http.get(f"/v1/sessions/{session_id}/events")
            events: list[dict[str, Any]] = answer.json()["data"]["events"]
            if event in [one["event"] for one in events]:
                return answer.text
            await asyncio.sleep(0.05)


async def test_reads_the_trail_and_replays_show_the_same_numbers(api: ApiClient) -> None:
    session_id = await start_session(api)
    trail = await trail_with_event(api, session_id, "time_expired")
    assert (await api.get(session_id)).text.count(NUMBERS) == 2
    replayed = [
        (await api.http.get(f"/v1/sessions/{session_id}/replay", params={"version": version})).text
        for version in (1, 2, 3)
    ]
    assert [occurrences(trail), *map(occurrences, replayed)] == [1, 2, 2, 2]
