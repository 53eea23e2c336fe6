"""Lag compensation over HTTP (docs/time-controls.md)."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from pydantic import TypeAdapter

from shared.http.openapi import models
from tests.integration.test_history import trail
from tests.support.api import ApiClient, check_documented, chess, details_of, error_of, participant

pytestmark = pytest.mark.http

_fairness = TypeAdapter(models.Envelope[models.Fairness])
_TIMEOUT_S = 30.0
_START_MS = 0
"""An instant long before the turn, so that the whole turn is claimed as lag."""

_ADA, _BEN = str(uuid4()), str(uuid4())


def players(*banks: int) -> list[dict[str, Any]]:
    """Ada and Ben with these banks, ms."""
    ids = (_ADA, _BEN)
    return [participant(ms, participant_id=one) for one, ms in zip(ids, banks, strict=True)]


async def fairness(api: ApiClient, session_id: str) -> list[dict[str, Any]]:
    """The participants of `GET .../fairness`."""
    answer = await api.http.get(f"/v1/sessions/{session_id}/fairness")
    assert check_documented(answer, _fairness).status_code == 200
    return list(answer.json()["data"]["participants"])


async def at_zero(api: ApiClient, session_id: str) -> dict[str, Any]:
    """Read the session until the running clock shows zero; return that state."""
    async with asyncio.timeout(_TIMEOUT_S):
        while (state := await api.session(session_id)).get("time_remaining_ms"):
            await asyncio.sleep(0.01)
    return state


async def test_a_game_in_which_one_player_lags(api: ApiClient) -> None:
    body = chess(participants=players(600_000, 600_000), lag={})
    session_id = await api.started(body)
    running = await api.session(session_id)
    assert (running["lag"], running["flag_grace_ms"]) == ({}, 2_000)
    for _ in range(3):
        lagging = {"current_participant_id": _ADA, "acted_at_ms": _START_MS, "error_ms": 0}
        assert (await api.do(session_id, "switch", lagging)).status_code == 200
        switched = await api.do(session_id, "switch", {"acted_at_ms": _START_MS})
    ada, ben = switched.json()["data"]["participants"]
    assert (ada["total_time_ms"], ada["time_used_ms"]) == (600_000, 0)
    assert ben["total_time_ms"] + ben["time_used_ms"] == 600_000
    of_ada, of_ben = await fairness(api, session_id)
    claimed = of_ada.pop("claimed_ms")
    assert of_ada == {
        "participant_id": _ADA,
        "turns": 3,
        "compensated_ms": claimed,
        "not_compensated_ms": 0,
        "worst_error_ms": 0,
        "gain_ms": 1_000,
        "quota_ms": 6_000 - claimed,
    }
    assert of_ben == {
        "participant_id": _BEN,
        "turns": 3,
        "claimed_ms": 0,
        "compensated_ms": 0,
        "not_compensated_ms": 0,
        "gain_ms": 1_000,
        "quota_ms": 6_000,
    }
    switches = (await trail(api, session_id, 8))[2:]
    lags = [event["metadata"]["lag"] for event in switches]
    assert sum(lag["claimed_ms"] for lag in lags) == claimed
    assert [lag["error_ms"] for lag in lags] == [0, None] * 3


async def test_a_frame_lag_limits_what_a_turn_adds(api: ApiClient) -> None:
    session_id = await api.started(chess(participants=players(600_000, 600_000), lag={}))
    assert (await api.do(session_id, "switch", {"frame_lag_ms": 20})).status_code == 200
    of_ada, of_ben = await fairness(api, session_id)
    assert (of_ada["frame_lag_ms"], of_ada["gain_ms"], of_ada["quota_ms"]) == (20, 160, 3_160)
    assert (of_ben.get("frame_lag_ms"), of_ben["gain_ms"], of_ben["quota_ms"]) == (
        None,
        1_000,
        3_000,
    )
    switched = (await trail(api, session_id, 3))[2]
    assert switched["metadata"]["lag"] == {
        "claimed_ms": 0,
        "compensated_ms": 0,
        "error_ms": None,
        "frame_lag_ms": 20,
    }


async def test_a_switch_that_was_sent_in_time_prevents_the_flag(api: ApiClient) -> None:
    session_id = await api.created(
        chess(
            participants=players(1_000, 60_000),
            lag={"gain_ms": 1_000},
            action_on_timeout={"type": "end_session"},
        )
    )
    began = (await api.do(session_id, "start")).json()["data"]["server_time_ms"]
    summary = await api.http.get(f"/v1/sessions/{session_id}/summary")
    assert check_documented(summary, None).json()["data"]["flag_grace_ms"] == 2_000
    waiting = await at_zero(api, session_id)
    assert (waiting["status"], waiting["version"], waiting["flag_grace_ms"]) == (
        "running",
        2,
        2_000,
    )
    assert not waiting["participants"][0]["has_expired"]
    assert waiting["lag"] == {"gain_ms": 1_000}
    claim = {"acted_at_ms": began + 990, "error_ms": 0}
    switched = (await api.do(session_id, "switch", claim)).json()["data"]
    assert (switched["version"], switched["active_participant_id"]) == (3, _BEN)
    assert "expired_participant_id" not in switched
    assert switched["participants"][0]["total_time_ms"] == 10


async def test_a_switch_that_was_sent_too_late_finds_the_flag_fallen(api: ApiClient) -> None:
    session_id = await api.created(
        chess(
            participants=players(1_000, 60_000),
            lag={"gain_ms": 1_000},
            action_on_timeout={"type": "end_session"},
        )
    )
    started = (await api.do(session_id, "start")).json()["data"]
    await at_zero(api, session_id)
    claim = {"acted_at_ms": started["server_time_ms"] + 990, "error_ms": 10}
    refused = await api.do(session_id, "switch", claim)
    assert error_of(refused) == (400, "INVALID_STATE_TRANSITION")
    ended = await api.session(session_id)
    assert (ended["status"], ended["version"]) == ("expired", 3)
    assert ended["session_completed_at"] == started["deadline_at"]
    assert ended["participants"][0]["has_expired"]
    assert "flag_grace_ms" not in ended


async def test_a_flag_is_settled_after_the_wait_without_a_command(api: ApiClient) -> None:
    body = chess(participants=players(1_000, 60_000), lag={"gain_ms": 10}, auto_advance=True)
    session_id = await api.created(body)
    started = (await api.do(session_id, "start")).json()["data"]
    assert started["flag_grace_ms"] == 30
    fallen = (await trail(api, session_id, 3))[2]
    assert (fallen["event"], fallen["occurred_at"]) == ("time_expired", started["deadline_at"])
    assert (await api.session(session_id))["cycle_started_at"] == started["deadline_at"]


async def test_the_wait_ends_with_another_command(api: ApiClient) -> None:
    body = chess(participants=players(1_000, 60_000), lag={"gain_ms": 1_000})
    session_id = await api.started(body)
    await at_zero(api, session_id)
    paused = (await api.do(session_id, "pause")).json()["data"]
    assert (paused["version"], paused["participants"][0]["has_expired"]) == (4, True)


async def test_a_refused_switch_of_the_opponent_does_not_end_the_wait(api: ApiClient) -> None:
    body = chess(
        participants=players(1_000, 60_000),
        lag={"gain_ms": 1_000},
        action_on_timeout={"type": "skip_cycle"},
    )
    session_id = await api.started(body)
    await at_zero(api, session_id)
    opponents = await api.do(session_id, "switch", {"current_participant_id": _BEN})
    assert error_of(opponents) == (409, "CONFLICT")
    assert (await api.session(session_id))["version"] == 2


_BAD_SWITCH = {"next_participant_id": str(uuid4())}
_NOT_MADE: list[tuple[str, Any, dict[str, str], int]] = [
    ("resume", None, {}, 400),
    ("switch", _BAD_SWITCH, {}, 400),
    ("adjust", {"add_ms": 0}, {}, 400),
    ("pause", None, {"If-Match": '"1"'}, 412),
]
_DRY_RUNS: list[tuple[str, Any, dict[str, str], int]] = [
    ("resume?dry_run=true", None, {}, 400),
    ("pause?dry_run=true", None, {}, 200),
    ("switch?dry_run=true", None, {}, 400),
]


@pytest.mark.parametrize(("operation", "body", "headers", "status"), _NOT_MADE + _DRY_RUNS)
async def test_a_command_that_is_not_made_does_not_end_the_wait(
    api: ApiClient, operation: str, body: Any, headers: dict[str, str], status: int
) -> None:
    action = "end_session" if operation == "switch?dry_run=true" else "notify"
    settings = {"lag": {"gain_ms": 1_000}, "action_on_timeout": {"type": action}}
    session_id = await api.created(chess(participants=players(1_000, 60_000), **settings))
    began = (await api.do(session_id, "start")).json()["data"]["server_time_ms"]
    await at_zero(api, session_id)
    answer = await api.do(session_id, operation, body, headers)
    assert answer.status_code == status, answer.text
    waiting = await api.session(session_id)
    assert (waiting["version"], waiting["participants"][0]["has_expired"]) == (2, False)
    claim = {"acted_at_ms": began + 990, "error_ms": 0}
    switched = (await api.do(session_id, "switch", claim)).json()["data"]
    assert (switched["version"], "expired_participant_id" in switched) == (3, False)


async def test_a_late_switch_finds_that_the_flag_has_begun_the_next_turn(api: ApiClient) -> None:
    action = {"type": "skip_cycle"}
    body = chess(
        participants=players(1_000, 60_000), lag={"gain_ms": 1_000}, action_on_timeout=action
    )
    session_id = await api.started(body)
    await at_zero(api, session_id)
    late = await api.do(session_id, "switch", {"current_participant_id": _ADA})
    assert error_of(late) == (409, "CONFLICT")
    skipped = await api.session(session_id)
    assert (skipped["version"], skipped["active_participant_id"]) == (3, _BEN)


async def test_a_precondition_names_the_version_that_is_read_during_the_wait(
    api: ApiClient,
) -> None:
    session_id = await api.started(
        chess(participants=players(1_000, 60_000), lag={"gain_ms": 1_000})
    )
    await at_zero(api, session_id)
    paused = await api.do(session_id, "pause", None, {"If-Match": '"2"'})
    assert (paused.status_code, paused.headers["etag"]) == (200, '"4"')


async def test_an_undo_names_the_version_that_the_flag_makes_during_the_wait(
    api: ApiClient,
) -> None:
    """The flag may make a switch, which would be undone in place of the one that was meant."""
    body = chess(
        participants=players(60_000, 1_000),
        lag={"gain_ms": 1_000},
        action_on_timeout={"type": "skip_cycle"},
    )
    session_id = await api.started(body)
    assert (await api.do(session_id, "switch")).json()["data"]["version"] == 3
    await at_zero(api, session_id)
    refused = await api.do(session_id, "undo", {"mode": "turn_start", "if_version": 3})
    assert error_of(refused) == (409, "CONFLICT")
    assert refused.json()["error"]["details"] == {"expected_version": 3, "actual_version": 4}
    waiting = await api.session(session_id)
    assert (waiting["version"], waiting["active_participant_id"]) == (3, _BEN)
    undone = await api.do(session_id, "undo", {"mode": "turn_start", "if_version": 4})
    state = undone.json()["data"]
    assert (state["version"], state["active_participant_id"]) == (5, _BEN)
    assert state["participants"][1]["total_time_ms"] == 1_000


async def test_without_lag_compensation_claims_have_no_effect(api: ApiClient) -> None:
    session_id = await api.started(chess(participants=players(60_000, 60_000)))
    claim = {"acted_at_ms": _START_MS, "error_ms": 0}
    assert (await api.do(session_id, "switch", claim)).status_code == 200
    state = await api.session(session_id)
    ada = state["participants"][0]
    assert ada["total_time_ms"] + ada["time_used_ms"] == 60_000
    assert not state.keys() & {"lag", "flag_grace_ms"}
    assert await fairness(api, session_id) == []
    assert "lag" not in (await trail(api, session_id, 3))[2]["metadata"]


@pytest.mark.parametrize(
    ("lag", "field", "message"),
    [
        (True, "lag", "must be an object"),
        ({"gain_ms": 9}, "lag.gain_ms", "must be at least 10ms"),
        ({"gain_ms": 1_001}, "lag.gain_ms", "cannot exceed 1000ms"),
        ({"gain": 50}, "lag.gain", "is not a known field"),
    ],
)
async def test_invalid_lag_compensation_is_refused_with_field_and_reason(
    api: ApiClient, lag: Any, field: str, message: str
) -> None:
    assert details_of(await api.create(chess(lag=lag))) == {field: message}


@pytest.mark.parametrize("mode", ["per_cycle", "global", "count_up"])
async def test_lag_compensation_is_for_modes_with_banks(api: ApiClient, mode: str) -> None:
    body = chess(sync_mode=mode, total_time_ms=60_000, lag={})
    message = "is for per_participant and per_group only"
    assert details_of(await api.create(body)) == {"lag": message}


@pytest.mark.parametrize(
    ("claim", "field", "message"),
    [
        ({"acted_at_ms": -1, "error_ms": 0}, "acted_at_ms", "must be at least 0"),
        ({"acted_at_ms": 0.5, "error_ms": 0}, "acted_at_ms", "must be an integer"),
        ({"acted_at_ms": "0", "error_ms": 0}, "acted_at_ms", "must be an integer"),
        ({"acted_at_ms": 0, "error_ms": -1}, "error_ms", "must be at least 0"),
        ({"acted_at_ms": 2**53, "error_ms": 0}, "acted_at_ms", "cannot exceed"),
        ({"frame_lag_ms": -1}, "frame_lag_ms", "must be at least 0"),
        ({"frame_lag_ms": 10_001}, "frame_lag_ms", "cannot exceed 10000ms"),
        ({"frame_lag_ms": 0.5}, "frame_lag_ms", "must be an integer"),
    ],
)
async def test_an_invalid_claim_is_refused_with_field_and_reason(
    api: ApiClient, claim: Any, field: str, message: str
) -> None:
    session_id = await api.started(chess(lag={}))
    details = details_of(await api.do(session_id, "switch", claim))
    assert list(details) == [field]
    assert details[field].startswith(message)
