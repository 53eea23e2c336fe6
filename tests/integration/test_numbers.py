"""Numbers in what an application keeps with a session come back as they were given."""

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
"""As JSON, each in its shortest form, so that what comes back can be compared sign by sign."""

_PATIENCE_S = 5.0


def count(text: str) -> int:
    """How often the numbers are in an answer that comes from the trail.

    The functions' trail is behind a stand-in that reads JSON as JavaScript does: it knows doubles
    alone, so there the numbers are compared as such.
    """
    if not IS_FUNCTIONS:
        return text.count(NUMBERS)
    given = list(map(float, json.loads(NUMBERS)))
    found = re.findall(r'"numbers":(\[[^\]]*\])', text)
    return sum(list(map(float, json.loads(one))) == given for one in found)


async def started(api: ApiClient) -> str:
    """The id of a session whose first flag falls after a second, with numbers in what it keeps."""
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


async def trail_with(api: ApiClient, session_id: str, event: str) -> str:
    """The trail as text, once it has that event."""
    async with asyncio.timeout(_PATIENCE_S):
        while True:
            answer = await api.http.get(f"/v1/sessions/{session_id}/events")
            told: list[dict[str, Any]] = answer.json()["data"]["events"]
            if event in [one["event"] for one in told]:
                return answer.text
            await asyncio.sleep(0.05)


async def test_numbers_are_the_same_in_a_read_in_the_trail_and_in_a_replay(api: ApiClient) -> None:
    session_id = await started(api)
    told = await trail_with(api, session_id, "time_expired")
    assert (await api.get(session_id)).text.count(NUMBERS) == 2
    replayed = [
        (await api.http.get(f"/v1/sessions/{session_id}/replay", params={"version": version})).text
        for version in (1, 2, 3)
    ]
    assert [count(told), *map(count, replayed)] == [1, 2, 2, 2]
