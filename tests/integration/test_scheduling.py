"""Commands ahead of time, and one command for many sessions, over HTTP and live connections."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest
from pydantic import TypeAdapter

from infra.local.instance import Instance
from shared.http.openapi import models
from tests.support import tokens
from tests.support.api import (
    ApiClient,
    api_client,
    check_documented,
    chess,
    details_of,
    error_of,
    forbidden_fields_of,
    participant,
)
from tests.support.callers import create_session
from tests.support.instants import in_utc, instant_in, ms_of
from tests.support.live import connect_live
from tests.support.tokens import bearer

_SOON_MS = 5_000
"""So far ahead that a cold function, too, accepts a command before its instant."""

_batch = TypeAdapter(models.Envelope[models.BatchCommands])


def exam(**more: Any) -> dict[str, Any]:
    return {"sync_mode": "global", "total_time_ms": 600_000, **more}


async def command_many(
    api: ApiClient, body: dict[str, Any], query: str = "", **headers: str
) -> httpx.Response:
    path = f"/v1/sessions/batch-commands{query}"
    return check_documented(await api.http.post(path, json=body, headers=headers), _batch)


async def entries(api: ApiClient, body: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await command_many(api, body)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["data"]["sessions"])


async def test_a_pause_ahead_is_announced_and_happens_at_its_instant_everywhere(
    instances: tuple[Instance, Instance], api: ApiClient
) -> None:
    session_id = await api.started(exam())
    async with (
        connect_live(instances[0], session_id) as here,
        connect_live(instances[1], session_id) as there,
    ):
        effective_at = await instant_in(api, _SOON_MS)
        answer = await api.do(session_id, "pause", {"effective_at": effective_at})
        accepted = answer.json()["data"]
        scheduled = {"operation": "pause", "effective_at": in_utc(effective_at)}
        assert (accepted["status"], accepted["scheduled"]) == ("running", scheduled)
        assert accepted["clock"]["stop_ms"] == ms_of(effective_at) - accepted["server_time_ms"]
        for follower in (here, there):
            announced, stopped = await follower.until_version(4)
            assert (announced["cause"], stopped["cause"]) == (
                "command_scheduled",
                "session_paused",
            )
            clock, state = announced["state"]["clock"], stopped["state"]
            assert state["clock"]["left_ms"] == clock["left_ms"] - clock["stop_ms"]
            assert (state["status"], state["updated_at"]) == ("paused", in_utc(effective_at))
            assert "scheduled" not in state
    ordered, happened = (await api.audited(session_id, 4))[2:]
    assert (ordered["event"], ordered["actor"] != "system") == ("command_scheduled", True)
    assert ordered["metadata"]["operation"] == "pause"
    assert (happened["event"], happened["actor"]) == ("session_paused", "system")
    assert happened["occurred_at"] == in_utc(effective_at)
    assert happened["metadata"]["scheduled_version"] == ordered["version"]


@pytest.mark.http
async def test_many_sessions_stop_at_the_same_millisecond(api: ApiClient) -> None:
    rooms = await asyncio.gather(*[api.started(exam(test=True)) for _ in range(6)])
    waiting, ended, unknown = await api.created(exam()), await api.started(exam()), str(uuid4())
    await api.do(ended, "complete")
    effective_at = await instant_in(api, _SOON_MS)
    body = {
        "operation": "pause",
        "effective_at": effective_at,
        "session_ids": [*rooms, waiting, ended, unknown, rooms[0]],
    }
    answers = await entries(api, body)
    assert [answer["session_id"] for answer in answers] == [*rooms, waiting, ended, unknown]
    stopping, refused = answers[:6], answers[6:]
    assert {answer["effective_at"] for answer in stopping} == {in_utc(effective_at)}
    assert all("late_ms" not in answer for answer in stopping)
    assert [(one["error"]["status"], one["error"]["code"]) for one in refused] == [
        (400, "INVALID_STATE_TRANSITION"),
        (400, "INVALID_STATE_TRANSITION"),
        (404, "SESSION_NOT_FOUND"),
    ]
    for room in rooms:
        state = (await api.do(room, "advance", {"ms": _SOON_MS})).json()["data"]
        assert state["status"] == "paused"
        stop = (await api.audited(room, 4))[3]
        assert (stop["event"], stop["occurred_at"]) == ("session_paused", in_utc(effective_at))


@pytest.mark.http
async def test_an_order_that_comes_late_takes_effect_at_once_and_says_so(api: ApiClient) -> None:
    first, second = await api.started(exam()), await api.started(exam())
    asked = await instant_in(api, -1_000)
    body = {"operation": "pause", "effective_at": asked, "session_ids": [first, second]}
    for answer in await entries(api, body):
        state = await api.session(answer["session_id"])
        assert (state["status"], state["updated_at"]) == ("paused", answer["effective_at"])
        assert answer["late_ms"] >= 1_000
    last = (await api.audited(first, 3))[-1]
    assert last["event"] == "session_paused"
    assert last["metadata"]["late_ms"] >= 1_000


@pytest.mark.http
async def test_a_batch_adjusts_completes_and_cancels(api: ApiClient) -> None:
    sessions = [await api.started(exam()), await api.started(exam())]
    adjusted = {"operation": "adjust", "adjust": {"add_ms": 60_000}, "session_ids": sessions}
    assert [one["version"] for one in await entries(api, adjusted)] == [3, 3]
    assert (await api.session(sessions[0]))["time_remaining_ms"] > 600_000
    for operation, status in (("complete", "completed"), ("cancel", None)):
        answers = await entries(api, {"operation": operation, "session_ids": sessions})
        assert [one.get("status") for one in answers] == [status] * 2


@pytest.mark.http
async def test_a_retry_of_a_batch_makes_only_the_changes_that_are_missing(api: ApiClient) -> None:
    running, waiting = await api.started(exam()), await api.created(exam())
    key, body = str(uuid4()), {"operation": "pause", "session_ids": [running, waiting]}
    headers = {"Idempotency-Key": key}
    first = await command_many(api, body, **headers)
    assert "idempotent-replayed" not in first.headers
    await api.do(waiting, "start")
    again = (await command_many(api, body, **headers)).json()["data"]["sessions"]
    assert again[0] == first.json()["data"]["sessions"][0]
    assert ("error" in again[1], again[1]["version"]) == (False, 3)
    third = await command_many(api, body, **headers)
    assert third.headers["idempotent-replayed"] == "true"
    assert third.json()["data"]["sessions"] == again
    other = await command_many(api, {**body, "operation": "resume"}, **headers)
    codes = [one["error"]["code"] for one in other.json()["data"]["sessions"]]
    assert codes == ["IDEMPOTENCY_KEY_REUSED"] * 2


@pytest.mark.http
async def test_a_dry_run_of_a_batch_changes_nothing(api: ApiClient) -> None:
    session_id = await api.started(exam())
    body = {"operation": "complete", "session_ids": [session_id]}
    answer = await command_many(api, body, "?dry_run=true")
    assert answer.headers["dry-run"] == "true"
    assert answer.json()["data"]["sessions"][0]["status"] == "completed"
    assert (await api.session(session_id))["version"] == 2


@pytest.mark.http
async def test_a_scheduled_command_is_withdrawn_or_replaced_by_a_stop(api: ApiClient) -> None:
    session_id = await api.started(exam())
    later, sooner = await instant_in(api, 50_000), await instant_in(api, 40_000)
    adding = {"add_ms": 60_000, "reason": "smoke", "effective_at": sooner}
    state = (await api.do(session_id, "adjust", adding)).json()["data"]
    assert state["scheduled"] == {
        "operation": "adjust",
        "effective_at": in_utc(sooner),
        "add_ms": 60_000,
        "to": "all",
        "reason": "smoke",
    }
    state = (await api.do(session_id, "pause", {"effective_at": later})).json()["data"]
    assert state["scheduled"] == {"operation": "pause", "effective_at": in_utc(later)}
    refused = await api.do(session_id, "adjust", adding)
    assert error_of(refused) == (409, "CONFLICT")
    assert refused.json()["error"]["details"] == {"scheduled": state["scheduled"]}
    withdrawn = (await api.do(session_id, "unschedule")).json()["data"]
    assert ("scheduled" in withdrawn, withdrawn["status"]) == (False, "running")
    assert error_of(await api.do(session_id, "unschedule")) == (409, "NOTHING_SCHEDULED")


@pytest.mark.http
async def test_an_instant_of_a_command_is_checked(api: ApiClient) -> None:
    session_id = await api.started(exam())
    for effective_at, message in (
        (await instant_in(api, 70_000), "cannot lie more than 60000ms in the future"),
        (await instant_in(api, -70_000), "cannot lie more than 60000ms in the past"),
        (1_760_000_000_000, "must be a timestamp with Z or an offset"),
    ):
        answer = await api.do(session_id, "pause", {"effective_at": effective_at})
        assert details_of(answer)["effective_at"].startswith(message)
    late = await instant_in(api, -500)
    reopening = {"add_ms": 1_000, "reopen": True, "effective_at": late}
    assert [*details_of(await api.do(session_id, "adjust", reopening))] == ["reopen"]
    assert error_of(await api.do(session_id, "cancel", {"effective_at": late}))[0] == 400


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"operation": "pause", "session_ids": []}, "session_ids"),
        ({"operation": "pause", "session_ids": [str(uuid4())] * 51}, "session_ids"),
        ({"operation": "pause", "session_ids": ["room"]}, "session_ids.0"),
        ({"operation": "pause"}, "session_ids"),
        ({"operation": "pause", "session_ids": None, "metadata": None}, "session_ids"),
        (
            {"operation": "pause", "session_ids": [str(uuid4())], "metadata": {"room": "a"}},
            "session_ids",
        ),
        ({"operation": "pause", "metadata": {}}, "metadata"),
        ({"operation": "pause", "metadata": {"room": None}}, "metadata"),
        ({"operation": "pause", "metadata": {"room": ["a"]}}, "metadata"),
        ({"operation": "pause", "metadata": {str(n): n for n in range(6)}}, "metadata"),
        ({"operation": "switch", "session_ids": [str(uuid4())]}, "operation"),
        ({"operation": "adjust", "session_ids": [str(uuid4())]}, "adjust"),
        (
            {"operation": "pause", "adjust": {"add_ms": 1}, "session_ids": [str(uuid4())]},
            "adjust",
        ),
        (
            {
                "operation": "unschedule",
                "effective_at": "2026-01-31T09:30:00Z",
                "session_ids": [str(uuid4())],
            },
            "effective_at",
        ),
    ],
)
@pytest.mark.http
async def test_a_wrong_field_of_a_batch_is_named(
    api: ApiClient, body: dict[str, Any], field: str
) -> None:
    assert [*details_of(await command_many(api, body))] == [field]


@pytest.mark.http
async def test_a_participant_may_schedule_what_it_may_do_and_replaces_nothing(
    guarded: ApiClient,
) -> None:
    game = await create_session(guarded)
    player = bearer(tokens.participant(game.session_id, game.on_move))
    sooner, later = await instant_in(guarded, 20_000), await instant_in(guarded, 40_000)
    path = f"/v1/sessions/{game.session_id}"
    accepted = await guarded.http.post(
        f"{path}/pause", json={"effective_at": later}, headers=player
    )
    assert accepted.status_code == 200
    again = await guarded.http.post(f"{path}/pause", json={"effective_at": sooner}, headers=player)
    assert [*forbidden_fields_of(again)] == ["effective_at"]
    ending = await guarded.http.post(
        f"{path}/complete", json={"effective_at": sooner}, headers=player
    )
    assert error_of(ending) == (403, "FORBIDDEN")


@pytest.mark.http
async def test_a_gift_ahead_of_time_is_limited_like_one_now(guarded: ApiClient) -> None:
    body = chess(participants_may_give_ms=15_000)
    session_id = await guarded.started(body)
    giver, receiver = (p["participant_id"] for p in body["participants"])
    headers = bearer(tokens.participant(session_id, giver))
    at = await instant_in(guarded, 20_000)
    gift = {"to": {"participants": [receiver]}, "effective_at": at}
    path = f"/v1/sessions/{session_id}/adjust"
    much = await guarded.http.post(path, json={**gift, "add_ms": 15_001}, headers=headers)
    assert error_of(much) == (403, "FORBIDDEN")
    allowed = await guarded.http.post(path, json={**gift, "add_ms": 15_000}, headers=headers)
    assert allowed.status_code == 200


@pytest.mark.http
async def test_a_batch_counts_as_one_request_for_each_session(guarded_url: str) -> None:
    async with api_client(guarded_url, tokens.host("batching"), timeout=20) as api:
        sessions = [await api.started(chess()) for _ in range(3)]
        before = await api.get(sessions[0])
        after = await command_many(api, {"operation": "pause", "session_ids": sessions})
    remaining = [int(answer.headers["ratelimit-remaining"]) for answer in (before, after)]
    assert remaining[0] - remaining[1] >= 3


@pytest.mark.http
async def test_a_lap_race_is_completed_ahead_of_time(api: ApiClient) -> None:
    body = {"sync_mode": "count_up", "participants": [participant(None)], "test": True}
    session_id = await api.started(body)
    at = await instant_in(api, _SOON_MS)
    accepted = (await api.do(session_id, "complete", {"effective_at": at})).json()["data"]
    assert accepted["elapsed_clock"]["stop_ms"] == ms_of(at) - accepted["server_time_ms"]
    state = (await api.do(session_id, "advance", {"ms": _SOON_MS})).json()["data"]
    assert (state["status"], state["session_completed_at"]) == ("completed", in_utc(at))
