"""Programmes and overruns over HTTP and on the live connection (docs/programmes.md)."""

from typing import Any

import pytest

from infra.local.instance import Instance
from shared.application.programme_presets import programme_presets
from tests.integration.test_history import trail
from tests.support.api import ApiClient, check_documented, chess, details_of, participant
from tests.support.live import connect_live

_TALK = {"item_id": "talk", "title": "The talk", "duration_ms": 60_000, "on_end": "wait"}
_BREAK = {"item_id": "lunch", "duration_ms": 30_000, "kind": "break"}


def agenda(*items: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"sync_mode": "global", "items": list(items or (_TALK, _BREAK)), **fields}


@pytest.mark.http
async def test_every_named_programme_is_listed_and_starts(api: ApiClient) -> None:
    answer = await api.http.get("/v1/programmes")
    listed = answer.json()["data"]["programmes"]
    assert [one["name"] for one in listed] == list(programme_presets())
    for preset in listed:
        session_id = await api.created({"sync_mode": "global", "programme": preset["name"]})
        running = (await api.do(session_id, "start")).json()["data"]
        assert [one["item_id"] for one in running["items"]] == [
            one["item_id"] for one in preset["items"]
        ]
        assert running["repeat"] == preset.get("repeat", 1)
        assert running["active_item_id"] == preset["items"][0]["item_id"]
        assert running["time_remaining_ms"] == preset["items"][0]["duration_ms"]


@pytest.mark.http
async def test_a_programme_is_played_with_switch_and_go(api: ApiClient) -> None:
    session_id = await api.created(agenda(repeat=2))
    started = (await api.do(session_id, "start")).json()["data"]
    assert started["items"] == [
        {**_TALK, "kind": "work", "planned_ms": 120_000, "used_ms": 0, "over_ms": 0},
        {**_BREAK, "on_end": "next", "planned_ms": 60_000, "used_ms": 0, "over_ms": 0},
    ]
    switched = (await api.do(session_id, "switch")).json()["data"]
    assert (switched["active_item_id"], switched["cycle_number"]) == ("lunch", 2)
    back = (await api.do(session_id, "go", {"item_id": "talk"})).json()["data"]
    assert (back["active_item_id"], back["round"], back["version"]) == ("talk", 1, 4)
    assert back["time_remaining_ms"] == 60_000
    summary = (await api.http.get(f"/v1/sessions/{session_id}/summary")).json()["data"]
    assert summary["active_item_id"] == "talk"
    for _ in range(3):
        await api.do(session_id, "switch")
    ended = (await api.do(session_id, "switch")).json()["data"]
    assert ended["status"] == "completed"
    assert "active_item_id" not in ended


@pytest.mark.http
async def test_the_preset_may_be_repeated_otherwise(api: ApiClient) -> None:
    body = {"sync_mode": "global", "programme": "pomodoro_25+5", "repeat": 2}
    session = await api.session(await api.created(body))
    assert (session["repeat"], session["items"][0]["planned_ms"]) == (2, 3_000_000)


_REFUSED: list[tuple[dict[str, Any], str, str]] = [
    (agenda() | {"items": []}, "items", "must have at least 1 entry"),
    (agenda(*[{**_BREAK, "item_id": str(n)} for n in range(101)]), "items", "cannot exceed 100"),
    (agenda({"item_id": "talk"}), "items.0.duration_ms", "is required"),
    (agenda({**_TALK, "duration_ms": 999}), "items.0.duration_ms", "must be at least 1000ms"),
    (agenda({**_TALK, "kind": "rest"}), "items.0.kind", "must be one of 'work' or 'break'"),
    (agenda({**_TALK, "on_end": "stop"}), "items.0.on_end", "must be one of 'next' or 'wait'"),
    (agenda({**_TALK, "used_ms": 1}), "items.0.used_ms", "is not a known field"),
    (agenda(_TALK, _TALK), "items.1.item_id", "must be unique"),
    (agenda(repeat=101), "repeat", "cannot exceed 100"),
    ({"sync_mode": "global", "total_time_ms": 9_000, "repeat": 2}, "repeat", "needs items"),
    (agenda(programme="pomodoro_25+5"), "programme", "cannot be combined with items"),
    ({"sync_mode": "global", "programme": "lunch"}, "programme", "is not a known programme"),
    (agenda(total_time_ms=9_000), "total_time_ms", "cannot be combined with items"),
    (agenda(auto_advance=True), "auto_advance", "cannot be combined with items"),
    (chess(items=[_TALK]), "items", "is for global only"),
    (chess(warn_at_ms=[5_000, -1]), "warn_at_ms.1", "must be at least 1ms without overtime"),
    (chess(overtime=True, auto_advance=True), "auto_advance", "cannot be combined with overtime"),
    (
        chess(overtime=True, time_control="kgs_5x30"),
        "time_control.overtime",
        "cannot be combined with the session's overtime",
    ),
    (
        {
            "sync_mode": "individual",
            "participants": [{"participant_id": "ada"}],
            "overtime": True,
        },
        "overtime",
        "is not for individual",
    ),
    (
        agenda(action_on_timeout={"type": "end_session"}, overtime=True),
        "action_on_timeout.type",
        "must be notify",
    ),
]


@pytest.mark.http
@pytest.mark.parametrize(("body", "field", "message"), _REFUSED, ids=lambda value: str(value)[:40])
async def test_an_invalid_programme_or_overtime_is_refused_with_field_and_reason(
    api: ApiClient, body: dict[str, Any], field: str, message: str
) -> None:
    details = details_of(await api.create(body))
    assert list(details) == [field]
    assert details[field].startswith(message)


@pytest.mark.http
@pytest.mark.parametrize(
    ("body", "code"),
    [
        (agenda(programme="pomodoro_25+5"), "not_allowed"),
        ({"sync_mode": "global", "total_time_ms": 9_000, "repeat": 2}, "not_allowed"),
        ({"sync_mode": "global", "programme": "lunch"}, "invalid_enum"),
        (agenda(total_time_ms=9_000), "not_allowed"),
    ],
)
async def test_the_code_says_what_kind_of_error_a_programme_has(
    api: ApiClient, body: dict[str, Any], code: str
) -> None:
    error = (await api.create(body)).json()["error"]
    assert [detail["code"] for detail in error["details"]] == [code]


@pytest.mark.http
async def test_go_is_refused_with_field_and_reason(api: ApiClient) -> None:
    session_id = await api.created(agenda())
    await api.do(session_id, "start")
    unknown = await api.do(session_id, "go", {"item_id": "tea"})
    assert details_of(unknown) == {"item_id": "is not an item of this session"}
    assert details_of(await api.do(session_id, "go", {})) == {"item_id": "is required"}
    game = await api.created(chess())
    await api.do(game, "start")
    without = await api.do(game, "go", {"item_id": "talk"})
    assert details_of(without) == {"item_id": "needs a programme"}


async def test_items_follow_each_other_for_everybody_and_the_trail_names_them(
    instances: tuple[Instance, Instance], api: ApiClient
) -> None:
    first = {"item_id": "first", "duration_ms": 1_000}
    second = {"item_id": "second", "duration_ms": 1_000, "on_end": "wait"}
    session_id = await api.created(agenda(first, second, overtime=True, warn_at_ms=[-200]))
    async with connect_live(instances[1], session_id) as follower:
        started = (await api.do(session_id, "start")).json()["data"]
        *_, expired, begun = await follower.until_version(3)
        *_, over = await follower.until_version(4)
        warned = await follower.until_type("TIME_WARNING")
        moved = (await api.do(session_id, "switch")).json()["data"]
    began = started["server_time_ms"]
    assert (expired["type"], expired["deadline_ms"]) == ("TIME_EXPIRED", began + 1_000)
    assert begun["state"]["active_item_id"] == "second"
    assert begun["state"]["clock"]["floor_ms"] == -86_400_000
    assert over["state"]["deadline_at"] is None
    assert (warned["threshold_ms"], warned["time_remaining_ms"]) == (-200, 0)
    assert warned["over_ms"] >= 200
    assert moved["status"] == "completed"
    events = await trail(api, session_id, 5)
    assert [one["event"] for one in events] == [
        "session_created",
        "session_started",
        "time_expired",
        "time_expired",
        "session_completed",
    ]
    assert events[2]["metadata"]["item_id"] == "second"
    assert events[4]["metadata"]["over_ms"] >= 200
    assert events[4]["time_remaining_ms"] == 0
    replayed = await api.http.get(f"/v1/sessions/{session_id}/replay?version=5")
    items = replayed.json()["data"]["items"]
    assert [one["used_ms"] for one in items] == [1_000, 1_000]
    assert items[1]["over_ms"] == events[4]["metadata"]["over_ms"]


@pytest.mark.http
async def test_a_paused_overrun_shows_how_far_it_is_below_zero(api: ApiClient) -> None:
    session_id = await api.created(
        chess(participants=[participant(1_000), participant()], overtime=True)
    )
    state = (await api.do(session_id, "start")).json()["data"]
    assert (state["overtime"], state["over_ms"]) == (True, 0)
    assert state["clock"] == {"left_ms": 1_000, "rate": -1, "floor_ms": -86_400_000}


@pytest.mark.http
async def test_a_simulation_goes_through_a_programme(api: ApiClient) -> None:
    items = [{**_BREAK, "item_id": "a"}, {**_TALK, "item_id": "b"}]
    session_id = await api.created(agenda(*items, overtime=True))
    operations = [
        {"after_ms": 0, "operation": "start"},
        {"after_ms": 100_000, "operation": "go", "item_id": "a"},
    ]
    path = f"/v1/sessions/{session_id}/simulate"
    answer = await api.http.post(path, json={"operations": operations})
    events = check_documented(answer, None).json()["data"]["events"]
    assert [(e["after_ms"], e["cause"], e["active_item_id"], e.get("over_ms")) for e in events] == [
        (0, "session_started", "a", None),
        (30_000, "time_expired", "b", None),
        (90_000, "time_expired", "b", None),
        (100_000, "cycle_switched", "a", 10_000),
    ]
