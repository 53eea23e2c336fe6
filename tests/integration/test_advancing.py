"""Test sessions, whose time the API advances, over HTTP and live connections."""

from typing import Any

import pytest

from infra.local.instance import Instance
from shared.application.session_view import timestamp
from shared.domain.units import Instant
from tests.support.api import LIVE_FIELDS, ApiClient, chess, details_of, error_of, participant
from tests.support.instants import ms_of
from tests.support.live import connect_live, versions

_HOUR = 3_600_000
_DAY = 24 * _HOUR


def exam(total_time_ms: int = 3 * _HOUR, **more: Any) -> dict[str, Any]:
    return {"sync_mode": "global", "total_time_ms": total_time_ms, "test": True, **more}


async def advanced(
    api: ApiClient, session_id: str, headers: dict[str, str] | None = None, **how: Any
) -> dict[str, Any]:
    answer = await api.do(session_id, "advance", how, headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["data"])


async def real_time(api: ApiClient) -> int:
    return int((await api.http.get("/v1/time")).json()["timestamp_ms"])


@pytest.mark.http
async def test_only_a_test_session_shows_that_it_is_one(api: ApiClient) -> None:
    created = (await api.create(exam())).json()["data"]
    assert (created["test"], created["advanced_ms"]) == (True, 0)
    other = await api.session(await api.created(chess(test=False)))
    assert not {"test", "advanced_ms", "advance_left_ms"} & {*other}


@pytest.mark.http
async def test_a_three_hour_exam_takes_one_request(api: ApiClient) -> None:
    session_id = await api.started(exam())
    before = await api.session(session_id)
    after = await advanced(api, session_id, ms=3 * _HOUR)
    deadline_at = before["deadline_at"]
    assert (after["status"], after["session_completed_at"]) == ("expired", deadline_at)
    assert (after["version"], after["advanced_ms"]) == (4, 3 * _HOUR)
    assert "advance_left_ms" not in after
    assert after["server_time_ms"] >= ms_of(deadline_at)
    expired, last = (await api.audited(session_id, 4))[2:]
    assert (expired["event"], expired["actor"]) == ("time_expired", "system")
    assert expired["occurred_at"] == deadline_at
    assert (last["event"], last["actor"] != "system") == ("session_advanced", True)
    assert last["metadata"] == {"by_ms": 3 * _HOUR, "advanced_ms": 3 * _HOUR, "left_ms": 0}


@pytest.mark.http
async def test_all_shown_instants_are_those_of_the_session(api: ApiClient) -> None:
    session_id = await api.started(chess(test=True))
    await advanced(api, session_id, ms=20_000)
    shown, real = await api.session(session_id), await real_time(api)
    assert real < shown["server_time_ms"] < real + 20_000
    assert shown["clock"]["left_ms"] <= 40_000
    assert ms_of(shown["deadline_at"]) == shown["server_time_ms"] + shown["clock"]["left_ms"]
    paused = (await api.do(session_id, "pause")).json()["data"]
    assert ms_of(paused["updated_at"]) == paused["server_time_ms"] > real
    summary = (await api.http.get(f"/v1/sessions/{session_id}/summary")).json()["data"]
    assert summary["advanced_ms"] == 20_000
    batch = await api.http.post("/v1/sessions/batch", json={"session_ids": [session_id]})
    (found,) = batch.json()["data"]["sessions"]
    assert found["server_time_ms"] > real


@pytest.mark.http
async def test_an_instant_to_advance_to_is_the_sessions_time_then(api: ApiClient) -> None:
    created = (await api.create(exam())).json()["data"]
    session_id, to = created["session_id"], "2099-12-31T23:59:59.123+01:00"
    refused = await api.do(session_id, "advance", {"to": to})
    assert details_of(refused) == {
        "to": f"cannot advance the session by more than {30 * _DAY}ms at once"
    }
    tomorrow = created["server_time_ms"] + _DAY
    moved = await advanced(api, session_id, to=timestamp(Instant(tomorrow)))
    assert moved["server_time_ms"] == tomorrow
    refused = await api.do(session_id, "advance", {"to": created["created_at"]})
    assert details_of(refused) == {"to": "is in the session's past"}


@pytest.mark.http
async def test_the_next_instant_is_the_next_warning_deadline_or_start(api: ApiClient) -> None:
    session_id = await api.started(exam(600_000, warn_at_ms=[60_000]))
    deadline_at = (await api.session(session_id))["deadline_at"]
    warned = await advanced(api, session_id, until="next")
    assert (warned["status"], warned["server_time_ms"]) == ("running", ms_of(deadline_at) - 60_000)
    expired = await advanced(api, session_id, until="next")
    assert (expired["status"], expired["session_completed_at"]) == ("expired", deadline_at)
    assert error_of(await api.do(session_id, "advance", {"until": "next"})) == (409, "NOTHING_DUE")


@pytest.mark.http
async def test_an_advance_stops_at_the_limit_and_the_next_one_goes_on(api: ApiClient) -> None:
    cycles = {"sync_mode": "global", "time_per_cycle_ms": 1_000, "auto_advance": True}
    session_id = await api.started({**cycles, "test": True})
    begun = await api.session(session_id)
    state = await advanced(api, session_id, ms=120_000)
    assert (state["cycle_number"], state["version"]) == (51, begun["version"] + 51)
    left = [state["advance_left_ms"]]
    while "advance_left_ms" in state:
        state = await advanced(api, session_id, ms=state["advance_left_ms"])
        left.append(state.get("advance_left_ms", 0))
    assert left == sorted(left, reverse=True)
    assert len(left) == 3
    assert state["advanced_ms"] >= 119_000
    assert state["cycle_number"] >= 120


@pytest.mark.http
async def test_a_repeated_request_advances_once(api: ApiClient) -> None:
    session_id = await api.started(exam())
    key = {"Idempotency-Key": "advance-once"}
    first = await api.do(session_id, "advance", {"ms": 60_000}, key)
    await advanced(api, session_id, ms=1_000)
    again = await api.do(session_id, "advance", {"ms": 60_000}, key)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json() == first.json()
    assert (await api.session(session_id))["advanced_ms"] == 61_000


@pytest.mark.http
async def test_an_advance_checks_the_version_and_a_dry_run_changes_nothing(api: ApiClient) -> None:
    session_id = await api.started(exam())
    stale = await api.do(session_id, "advance", {"ms": 1_000}, {"If-Match": '"1"'})
    assert error_of(stale) == (412, "PRECONDITION_FAILED")
    asked = await api.do(session_id, "advance?dry_run=true", {"ms": 3 * _HOUR})
    assert asked.json()["data"]["status"] == "expired"
    state = await api.session(session_id)
    assert (state["status"], state["advanced_ms"]) == ("running", 0)


@pytest.mark.http
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body"),
        ({"ms": 1_000, "until": "next"}, "body"),
        ({"ms": 0}, "ms"),
        ({"ms": 30 * _DAY + 1}, "ms"),
        ({"ms": "1000"}, "ms"),
        ({"to": 1_760_000_000_000}, "to"),
        ({"until": "tomorrow"}, "until"),
    ],
)
async def test_a_wrong_advance_is_refused(api: ApiClient, body: Any, field: str) -> None:
    session_id = await api.created(exam())
    assert [*details_of(await api.do(session_id, "advance", body))] == [field]


@pytest.mark.http
async def test_other_sessions_cannot_be_advanced(api: ApiClient) -> None:
    session_id = await api.started(chess())
    answer = await api.do(session_id, "advance", {"ms": 1_000})
    assert error_of(answer) == (409, "NOT_A_TEST_SESSION")
    assert (await api.session(session_id))["version"] == 2


@pytest.mark.http
async def test_starts_and_scheduled_commands_happen_on_the_way(api: ApiClient) -> None:
    created = (await api.create(exam())).json()["data"]
    session_id, now = created["session_id"], created["server_time_ms"]
    start_at = timestamp(Instant(now + 20 * _DAY))
    patched = await api.http.patch(f"/v1/sessions/{session_id}", json={"start_at": start_at})
    assert patched.status_code == 200, patched.text
    started = await advanced(api, session_id, ms=20 * _DAY)
    assert (started["status"], started["session_started_at"]) == ("running", start_at)
    pause_at = timestamp(Instant(started["server_time_ms"] + 50_000))
    await api.do(session_id, "pause", {"effective_at": pause_at})
    paused = await advanced(api, session_id, ms=60_000)
    assert (paused["status"], paused["updated_at"]) == ("paused", pause_at)


@pytest.mark.http
async def test_replays_know_the_time_that_was_skipped(api: ApiClient) -> None:
    session_id = await api.started(chess(test=True))
    started = await api.session(session_id)
    await advanced(api, session_id, ms=30_000)
    await api.audited(session_id, 3)
    at = ms_of(started["session_started_at"]) + 25_000
    path = f"/v1/sessions/{session_id}/replay"
    answer = await api.http.get(path, params={"at": at})
    replayed = answer.json()["data"]
    assert (replayed["version"], replayed["clock"]["left_ms"]) == (2, 35_000)
    last = (await api.http.get(path, params={"version": 3})).json()["data"]
    assert last["advanced_ms"] == 30_000
    too_late = await api.http.get(path, params={"at": last["server_time_ms"] + 60_000})
    assert [*details_of(too_late)] == ["at"]


async def test_pushes_arrive_as_if_the_time_had_passed(
    instances: tuple[Instance, Instance], api: ApiClient
) -> None:
    players = [participant(60_000, participant_id="ada"), participant(60_000, participant_id="ben")]
    body = chess(
        participants=players,
        test=True,
        warn_at_ms=[10_000],
        action_on_timeout={"type": "skip_cycle"},
    )
    session_id = await api.started(body)
    begun = ms_of((await api.session(session_id))["cycle_started_at"])
    async with connect_live(instances[1], session_id) as follower:
        answer = await advanced(api, session_id, ms=100_000)
        messages = await follower.until_version(4)
    assert [m["type"] for m in messages] == [
        "TIME_WARNING",
        "TIME_EXPIRED",
        "STATE_UPDATE",
        "STATE_UPDATE",
    ]
    warning, expired, skipped, last = messages
    assert (warning["timestamp"], warning["time_remaining_ms"]) == (begun + 50_000, 10_000)
    assert expired["timestamp"] == expired["deadline_ms"] == begun + 60_000
    assert skipped["state"]["server_time_ms"] == begun + 60_000
    assert skipped["state"]["active_participant_id"] == "ben"
    assert (last["cause"], last["state"]) == ("session_advanced", answer)
    assert last["timestamp"] - skipped["timestamp"] == (
        answer["advanced_ms"] - skipped["state"]["advanced_ms"]
    )
    assert versions(messages) == [3, 4]
    assert all(message["test"] for message in messages)


async def test_a_deadline_after_an_advance_comes_at_its_own_time(
    instances: tuple[Instance, Instance], api: ApiClient
) -> None:
    session_id = await api.started(exam(_HOUR))
    async with connect_live(instances[0], session_id) as follower:
        left = (await advanced(api, session_id, ms=_HOUR - 800))["clock"]["left_ms"]
        assert 0 < left <= 800
        expired = await follower.until_type("TIME_EXPIRED")
    state = await api.session(session_id)
    assert (state["status"], state["advanced_ms"]) == ("expired", _HOUR - 800)
    assert ms_of(state["session_completed_at"]) == expired["deadline_ms"]
    assert expired["timestamp"] < await real_time(api) + _HOUR


async def test_the_state_that_a_new_listener_gets_has_the_sessions_time(
    instances: tuple[Instance, Instance], api: ApiClient
) -> None:
    session_id = await api.started(chess(test=True))
    answer = await advanced(api, session_id, ms=10_000)
    async with connect_live(instances[0], session_id, "&sync=1") as follower:
        sync = await follower.next()
    assert sync["state"]["server_time_ms"] >= answer["server_time_ms"]
    live = {name: value for name, value in answer.items() if name not in LIVE_FIELDS}
    assert {k: v for k, v in live.items() if k != "participants"}.items() <= sync["state"].items()
