"""Participants who are renamed, retire, leave or forfeit, over HTTP."""

import asyncio
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest

from tests.support.api import ApiClient, check_documented, chess, details_of, error_of, participant

pytestmark = pytest.mark.http

ANNA, BEN, CLEO = "anna", "ben/forfeit", "cleo"


def game(**more: Any) -> dict[str, Any]:
    seats = [participant(60_000, participant_id=name) for name in (ANNA, BEN, CLEO)]
    return chess(**{"participants": seats, **more})


async def call(
    api: ApiClient, method: str, session_id: str, who: str, end: str = "", body: Any = None
) -> httpx.Response:
    path = f"/v1/sessions/{session_id}/participants/{quote(who, safe='')}{end}"
    return check_documented(await api.http.request(method, path, json=body), None)


async def patched(api: ApiClient, session_id: str, who: str, body: Any) -> dict[str, Any]:
    answer = await call(api, "PATCH", session_id, who, body=body)
    assert answer.status_code == 200, answer.text
    members = answer.json()["data"]["participants"]
    return dict(next(one for one in members if one["participant_id"] == who))


async def test_a_participant_is_renamed_and_loses_its_name(api: ApiClient) -> None:
    session_id = await api.started(game())
    assert (await patched(api, session_id, BEN, {"name": "Ben"}))["name"] == "Ben"
    assert "name" not in await patched(api, session_id, BEN, {"name": None})


async def test_a_retired_participant_is_passed_over(api: ApiClient) -> None:
    session_id = await api.started(game())
    assert (await patched(api, session_id, BEN, {"is_retired": True}))["is_retired"] is True
    named = await api.do(session_id, "switch", {"next_participant_id": BEN})
    assert details_of(named) == {"next_participant_id": "is retired"}
    switched = (await api.do(session_id, "switch")).json()["data"]
    assert switched["active_participant_id"] == CLEO
    assert switched["participants"][1]["is_retired"] is True
    assert "is_retired" not in await patched(api, session_id, BEN, {"is_retired": False})


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({}, "body", "must have at least one of total_time_ms"),
        ({"reason": "x"}, "body", "must have at least one of total_time_ms"),
        ({"total_time_ms": None}, "body", "must have at least one of total_time_ms"),
        ({"name": " "}, "name", "must have at least 1 character"),
        ({"is_retired": "yes"}, "is_retired", "must be true or false"),
        ({"overtime_periods": 1}, "overtime_periods", "needs a clock with overtime periods"),
        ({"total_time_ms": 999, "name": "Ben"}, "total_time_ms", "must be at least 1000ms"),
    ],
)
async def test_a_wrong_change_is_refused(
    api: ApiClient, body: Any, field: str, message: str
) -> None:
    session_id = await api.created(game())
    details = details_of(await call(api, "PATCH", session_id, BEN, body=body))
    assert details[field].startswith(message)
    assert (await api.session(session_id))["version"] == 1


async def test_a_participant_is_removed(api: ApiClient) -> None:
    session_id = await api.started(game())
    active = await call(api, "DELETE", session_id, ANNA)
    assert error_of(active) == (409, "CONFLICT")
    assert active.json()["error"]["details"] == {"active_participant_id": ANNA}
    removed = await call(api, "DELETE", session_id, BEN)
    assert removed.status_code == 200, removed.text
    members = removed.json()["data"]["participants"]
    assert [one["participant_id"] for one in members] == [ANNA, CLEO]
    assert error_of(await call(api, "DELETE", session_id, BEN)) == (404, "PARTICIPANT_NOT_FOUND")
    assert (await call(api, "DELETE", str(uuid4()), BEN)).status_code == 404


async def test_the_last_participant_stays(api: ApiClient) -> None:
    session_id = await api.created(chess(participants=[participant(participant_id=ANNA)]))
    details = details_of(await call(api, "DELETE", session_id, ANNA))
    assert details == {"participant_id": "is the last participant, and per_participant needs one"}


async def test_a_forfeit_ends_a_game_and_names_the_winner(guarded: ApiClient) -> None:
    two = [participant(60_000, participant_id=name) for name in (ANNA, BEN)]
    action = {"type": "end_session", "winner_by": "time"}
    body = game(participants=two, action_on_timeout=action)
    session_id = await guarded.started(body)
    answer = await call(guarded, "POST", session_id, BEN, "/forfeit", {"reason": "left"})
    assert answer.status_code == 200, answer.text
    shown = answer.json()["data"]
    assert (shown["status"], shown["participants"][1]["time_remaining_ms"]) == ("expired", 0)
    events: list[Any] = []
    async with asyncio.timeout(30):
        while len(events) < 3:
            trail = await guarded.http.get(f"/v1/sessions/{session_id}/events")
            events = trail.json()["data"]["events"]
    assert (events[2]["event"], events[2]["actor"]) == ("time_expired", "host:alice")
    assert events[2]["participant_id"] == BEN
    assert events[2]["metadata"] == {
        "status": "expired",
        "next_participant_id": ANNA,
        "reason": "forfeit",
        "explanation": "left",
        "action_applied": {**action, "winner": ANNA},
    }


async def test_only_a_bank_with_time_left_is_forfeited(api: ApiClient) -> None:
    session_id = await api.started(game())
    assert (await call(api, "POST", session_id, BEN, "/forfeit")).status_code == 200
    details = details_of(await call(api, "POST", session_id, BEN, "/forfeit", {}))
    assert details == {"participant_id": "has no time left"}
    poker = await api.started(game(sync_mode="per_cycle"))
    details = details_of(await call(api, "POST", poker, BEN, "/forfeit"))
    assert details["participant_id"].startswith("has no bank")
    assert error_of(await call(api, "POST", session_id, "nobody", "/forfeit"))[0] == 404


async def test_a_participant_who_left_can_join_again_and_the_trail_has_it_all(
    guarded: ApiClient,
) -> None:
    session_id = await guarded.created(game())
    await call(guarded, "DELETE", session_id, ANNA)
    path = f"/v1/sessions/{session_id}/participants"
    joining = participant(5_000, participant_id=ANNA)
    assert (await guarded.http.post(path, json=joining)).status_code == 201
    await patched(guarded, session_id, ANNA, {"name": "Anna", "reason": "typo"})
    events: list[Any] = []
    async with asyncio.timeout(30):
        while len(events) < 4:
            trail = await guarded.http.get(f"/v1/sessions/{session_id}/events")
            events = trail.json()["data"]["events"]
    assert [(event["event"], event["participant_id"]) for event in events[1:]] == [
        ("participant_removed", ANNA),
        ("participant_added", ANNA),
        ("participant_updated", ANNA),
    ]
    assert events[3]["metadata"] == {"name": "Anna", "reason": "typo"}
