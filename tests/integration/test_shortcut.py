"""The short cut of the container answers as the long way does."""

from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest

from tests.integration.api import Api, checked, chess, participant

ADA, BEN = str(uuid4()), str(uuid4())
PLAIN = {"Content-Type": "application/json"}
LONG = {"Content-Type": "application/json; charset=utf-8"}

BODIES = {
    "none": b"",
    "empty": b"{}",
    "null": b"null",
    "named": b'{"next_participant_id": "%s"}' % ADA.encode(),
    "named in upper case": b'{"next_participant_id": "%s"}' % ADA.upper().encode(),
    "current": b'{"current_participant_id": "%s"}' % ADA.encode(),
    "no longer current": b'{"current_participant_id": "%s"}' % BEN.encode(),
    "unknown": b'{"next_participant_id": "%s"}' % str(uuid4()).encode(),
    "bad uuid": b'{"next_participant_id": "x"}',
    "unknown field": b'{"surprise": 1}',
    "wrong type": b'{"next_participant_id": 5}',
    "a list": b"[]",
    "malformed": b"{",
    "deep": b"[" * 5_000,
}


CREATIONS = {
    "none": b"",
    "null": b"null",
    "empty": b"{}",
    "a game": msgspec.json.encode(
        chess(participants=[participant(participant_id=ADA), participant(participant_id=BEN)])
    ),
    "a taken place": msgspec.json.encode(chess(participants=[participant(participant_id=ADA)] * 2)),
    "a bad time": msgspec.json.encode(chess(total_time_ms=1)),
    "a count": b'{"sync_mode": "count_up"}',
    "malformed": b'{"sync_mode": ',
    "long": msgspec.json.encode({**chess(), "participants": [participant()] * 1_001}),
}


def game() -> dict[str, Any]:
    """A game of Ada and Ben."""
    players = [participant(participant_id=ADA), participant(participant_id=BEN)]
    return chess(participants=players)


def seen(answer: httpx.Response) -> tuple[int, set[str], Any]:
    """What an answer says, without what no two answers share."""
    checked(answer, None)
    return (
        answer.status_code,
        set(answer.headers),
        _timeless(answer.json() if answer.content else {}),
    )


def _timeless(value: Any) -> Any:
    """`value` without ids and times."""
    if isinstance(value, list):
        return [_timeless(one) for one in value]
    if not isinstance(value, dict):
        return value
    passing = ("session_id", "request_id")
    return {
        name: _timeless(inner)
        for name, inner in value.items()
        if name not in passing and not name.endswith(("_at", "_ms"))
    }


@pytest.mark.parametrize("state", ["running", "pending", "missing"])
@pytest.mark.parametrize("content", BODIES.values(), ids=BODIES.keys())
async def test_a_switch_is_answered_alike(api: Api, content: bytes, state: str) -> None:
    answers = []
    for headers in (PLAIN, LONG):
        session_id = str(uuid4()) if state == "missing" else await api.created(game())
        if state == "running":
            await api.do(session_id, "start")
        path = f"/v1/sessions/{session_id}/switch"
        answers.append(await api.http.post(path, content=content, headers=headers))
    short, long = map(seen, answers)
    assert short == long


@pytest.mark.parametrize("content", CREATIONS.values(), ids=CREATIONS.keys())
async def test_a_creation_is_answered_alike(api: Api, content: bytes) -> None:
    answers = [
        await api.http.post("/v1/sessions", content=content, headers=headers)
        for headers in (PLAIN, LONG)
    ]
    short, long = map(seen, answers)
    assert short == long


async def test_a_taken_id_is_refused_alike(api: Api) -> None:
    content = msgspec.json.encode({**game(), "session_id": await api.created(game())})
    answers = [
        await api.http.post("/v1/sessions", content=content, headers=headers)
        for headers in (PLAIN, LONG)
    ]
    assert [answer.status_code for answer in answers] == [409, 409]
    assert seen(answers[0]) == seen(answers[1])


@pytest.mark.parametrize("state", ["running", "pending", "missing"])
@pytest.mark.parametrize("tag", [None, '"1"', '"2"', "*"])
async def test_a_read_is_answered_alike(api: Api, tag: str | None, state: str) -> None:
    session_id = str(uuid4()) if state == "missing" else await api.created(game())
    if state == "running":
        await api.do(session_id, "start")
    headers = {} if tag is None else {"If-None-Match": tag}
    short = seen(await api.get(session_id, headers))
    long = seen(await api.get(session_id.upper(), headers))
    assert short == long


async def test_both_ways_count_under_the_same_route(api: Api) -> None:
    session_id = await api.started(game())
    counter = (
        'requests_total{method="POST",route="/v1/sessions/{session_id}/switch",status_code="200"}'
    )

    async def count() -> float:
        text = (await api.http.get("/metrics")).text
        return sum(float(line.split()[-1]) for line in text.splitlines() if counter in line)

    before = await count()
    for headers in (PLAIN, LONG):
        await api.http.post(f"/v1/sessions/{session_id}/switch", headers=headers)
    assert await count() == before + 2
