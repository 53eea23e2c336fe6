"""Time controls over HTTP and on the live connection (docs/time-controls.md)."""

from typing import Any

import pytest

from infra.local.instance import Instance
from shared.application.time_control_presets import presets
from tests.support.api import ApiClient, chess, details_of, participant
from tests.support.live import connect_live

_BYO_YOMI = {"overtime": {"period_ms": 1_000, "periods": 3}}

_BAD_CONTROLS: list[tuple[Any, str, str]] = [
    ("rapid", "time_control", "is not a known time control"),
    (7, "time_control", "must be an object"),
    ({"delay": 5}, "time_control.delay", "is not a known field"),
    ({"delay_ms": 600_001}, "time_control.delay_ms", "cannot exceed 600000ms"),
    ({"max_bank_ms": 0}, "time_control.max_bank_ms", "must be at least 1000ms"),
    (
        {"overtime": {"period_ms": 1_000, "periods": 100}},
        "time_control.overtime.periods",
        "cannot exceed 99",
    ),
    (
        {"overtime": {"period_ms": 1_000}},
        "time_control.overtime",
        "must have exactly one of periods, turns and extra_ms",
    ),
    (
        {"stages": [{"after_turns": 0}]},
        "time_control.stages.0.after_turns",
        "must be at least 1",
    ),
    ({"delay_ms": 1, "give_back_ms": 1}, "time_control.give_back_ms", "cannot be combined"),
    (
        {"delay_ms": 1, "stages": [{"after_turns": 1}, {"after_turns": 2, "increment_ms": 1}]},
        "time_control.stages.1.increment_ms",
        "cannot be combined with delay_ms",
    ),
    ({"start_on": "move"}, "time_control.start_on", "must be one of 'start' or 'first_turn'"),
]


@pytest.mark.http
async def test_every_named_time_control_is_listed_and_plays(api: ApiClient) -> None:
    answer = await api.http.get("/v1/time-controls")
    listed = answer.json()["data"]["time_controls"]
    assert [item["name"] for item in listed] == list(presets())
    players = [participant(None), participant(None)]
    for preset in listed:
        body = {
            "sync_mode": "per_participant",
            "participants": players,
            "time_control": preset["name"],
        }
        session_id = await api.created(body)
        pending = await api.session(session_id)
        assert pending["time_control"] == preset["time_control"]
        assert {p["total_time_ms"] for p in pending["participants"]} == {preset["total_time_ms"]}
        await api.do(session_id, "start")
        assert (await api.do(session_id, "switch")).json()["data"]["version"] == 3


@pytest.mark.http
@pytest.mark.parametrize(("control", "field", "message"), _BAD_CONTROLS)
async def test_an_invalid_time_control_is_refused_with_field_and_reason(
    api: ApiClient, control: Any, field: str, message: str
) -> None:
    details = details_of(await api.create(chess(time_control=control)))
    assert list(details) == [field]
    assert details[field].startswith(message)


@pytest.mark.http
async def test_an_unknown_name_has_the_code_of_a_value_that_is_not_listed(api: ApiClient) -> None:
    error = (await api.create(chess(time_control="rapid"))).json()["error"]
    assert [detail["code"] for detail in error["details"]] == ["invalid_enum"]


@pytest.mark.http
@pytest.mark.parametrize("control", [{}, {"delay_ms": 0}, "kgs_5x30"])
async def test_any_time_control_allows_thirty_days(api: ApiClient, control: Any) -> None:
    long = [participant(2_592_000_000), participant(2_592_000_000)]
    assert (await api.create(chess(participants=long, time_control=control))).status_code == 201
    refused = await api.create(chess(participants=long))
    assert set(details_of(refused).values()) == {"cannot exceed 86400000ms"}


@pytest.mark.http
async def test_a_state_shows_each_clock_as_a_line(api: ApiClient) -> None:
    ada, ben = participant(0), participant(60_000, time_control={"delay_ms": 5_000})
    body = chess(participants=[ada, ben], time_control=_BYO_YOMI)
    session_id = await api.created(body)
    running = (await api.do(session_id, "start")).json()["data"]
    adas, bens = running["participants"]
    assert adas["clock"] == {
        "left_ms": 1_000,
        "rate": -1,
        "phases": [{"ms": 1_000, "count": 2}],
    }
    assert adas["overtime"] == {"in_use": True, "periods_left": 3}
    assert (adas["total_time_ms"], adas["time_remaining_ms"]) == (0, 3_000)
    assert bens["clock"] == {"left_ms": 60_000, "rate": 0}
    assert bens["time_control"] == {"delay_ms": 5_000}
    assert running["clock"] == adas["clock"]
    assert running["elapsed_clock"] == {"left_ms": 0, "rate": 1, "ceiling_ms": 3_000}
    switched = (await api.do(session_id, "switch")).json()["data"]["participants"]
    assert switched[1]["clock"] == {"left_ms": 60_000, "rate": -1, "hold_ms": 5_000}


@pytest.mark.http
async def test_a_bank_and_the_number_of_periods_are_adjusted_together(api: ApiClient) -> None:
    ada = participant(2_000)
    body = chess(participants=[ada, participant()], time_control=_BYO_YOMI)
    session_id = await api.created(body)
    change = {"total_time_ms": 5_000, "overtime_periods": 1}
    adjusted = (await api.adjust(session_id, ada["participant_id"], change)).json()["data"]
    assert adjusted["participants"][0]["time_remaining_ms"] == 6_000
    for bad, field, message in (
        ({"total_time_ms": 5_000, "overtime_periods": 4}, "overtime_periods", "cannot exceed 3"),
        ({"total_time_ms": -1}, "total_time_ms", "must be at least 0ms"),
        ({"total_time_ms": 2_592_000_001}, "total_time_ms", "cannot exceed 2592000000ms"),
    ):
        refused = await api.adjust(session_id, ada["participant_id"], bad)
        assert details_of(refused) == {field: message}


async def test_the_end_of_a_period_is_pushed_without_a_version_and_the_flag_with_one(
    instances: tuple[Instance, Instance], api: ApiClient
) -> None:
    control = {"overtime": {"period_ms": 1_000, "periods": 2}}
    body = chess(
        participants=[participant(0), participant()],
        time_control=control,
        action_on_timeout={"type": "end_session", "winner_by": "time"},
    )
    session_id = await api.created(body)
    async with connect_live(instances[1], session_id) as follower:
        started = (await api.do(session_id, "start")).json()["data"]
        start, ended, expired, last = await follower.until_version(3)
    began = started["server_time_ms"]
    assert start["cause"] == "session_started"
    assert (ended["type"], ended["periods_left"], ended["ended_ms"]) == (
        "PERIOD_ENDED",
        1,
        began + 1_000,
    )
    assert ended["participant_id"] == started["participants"][0]["participant_id"]
    assert (expired["type"], expired["deadline_ms"]) == ("TIME_EXPIRED", began + 2_000)
    assert (last["state"]["status"], last["state"]["version"]) == ("expired", 3)


async def test_without_a_first_turn_the_session_is_cancelled_and_everybody_is_told(
    instances: tuple[Instance, Instance], api: ApiClient
) -> None:
    control = {"start_on": "first_turn", "first_turn_within_ms": 1_000}
    session_id = await api.created(chess(time_control=control))
    async with connect_live(instances[1], session_id) as follower:
        started = (await api.do(session_id, "start")).json()["data"]
        *_, last = await follower.until_version(3)
    assert started["deadline_at"] is None
    assert started["first_turn_by"] > started["session_started_at"]
    assert (last["cause"], last["state"]["status"]) == ("session_cancelled", "cancelled")
    assert last["state"]["session_completed_at"] == started["first_turn_by"]
