"""Pushes of sessions with many individual clocks: the difference for those who ask for it."""

import json
from typing import Any

import httpx
from synckairos.state_difference import apply_difference

from infra.local.instance import Instance
from tests.support.api import ApiClient
from tests.support.live import connect_live
from tests.support.sse import events

Pair = tuple[Instance, Instance]

PEOPLE = [f"candidate {number}" for number in range(70)]


def exam(people: list[str] = PEOPLE) -> dict[str, Any]:
    seats = [{"participant_id": name} for name in people]
    return {"sync_mode": "individual", "total_time_ms": 3_600_000, "participants": seats}


async def finish(api: ApiClient, session_id: str, who: str) -> dict[str, Any]:
    answer = await api.do(session_id, f"participants/{who}/finish")
    assert answer.status_code == 200, answer.text
    state: dict[str, Any] = answer.json()["data"]
    return state


async def test_who_asks_for_differences_gets_the_changed_participant_only(
    instances: Pair, api: ApiClient
) -> None:
    session_id = await api.started(exam())
    async with (
        connect_live(instances[1], session_id, "&sync=1&differences=1") as follower,
        connect_live(instances[1], session_id, "&sync=1") as other,
    ):
        held = (await follower.until_type("STATE_SYNC"))["state"]
        await other.until_type("STATE_SYNC")
        for version, who in enumerate(PEOPLE[:2], held["version"] + 1):
            answered = await finish(api, session_id, who)
            update, whole = await follower.next(), await other.next()
            assert (update["version"], update["cause"]) == (version, "participant_finished")
            assert "state" not in update
            difference = update["difference"]
            assert [p["participant_id"] for p in difference["state"]["participants"]] == [who]
            held = apply_difference(held, difference)
            assert held == whole["state"] == answered


async def test_a_change_of_all_clocks_is_pushed_as_a_whole(instances: Pair, api: ApiClient) -> None:
    session_id = await api.created(exam())
    async with connect_live(instances[0], session_id, "&differences=1") as follower:
        for verb in ("start", "pause", "resume"):
            answer = await api.do(session_id, verb)
            update = await follower.next()
            assert update["state"] == answer.json()["data"]
            assert "difference" not in update


async def test_a_stream_sends_differences_too(instances: Pair, api: ApiClient) -> None:
    session_id = await api.started(exam())
    url = f"{instances[0].url}/v1/sessions/{session_id}/stream?sync=1&differences=1"
    async with httpx.AsyncClient(timeout=30) as http, http.stream("GET", url) as answer:
        stream = events(answer)
        assert json.loads((await anext(stream))["data"])["type"] == "CONNECTED"
        held = json.loads((await anext(stream))["data"])["state"]
        answered = await finish(api, session_id, PEOPLE[5])
        event = await anext(stream)
        update = json.loads(event["data"])
        assert event["id"] == str(update["version"]) == str(answered["version"])
        assert apply_difference(held, update["difference"]) == answered
