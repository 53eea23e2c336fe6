"""Simulations over HTTP: what would happen if operations came."""

from typing import Any

import pytest

from tests.support.api import ApiClient, check_documented, chess, details_of, participant

pytestmark = pytest.mark.http

ADA, BEN = participant(10_000, participant_id="ada"), participant(10_000, participant_id="ben")
GAME = chess(participants=[ADA, BEN], action_on_timeout={"type": "end_session"})
UNTIL = {"until_ms": 60_000}


async def simulate(api: ApiClient, session_id: str, body: Any) -> Any:
    answer = await api.http.post(f"/v1/sessions/{session_id}/simulate", json=body)
    return check_documented(answer, None)


async def events_of(api: ApiClient, session_id: str, body: Any) -> list[dict[str, Any]]:
    answer = await simulate(api, session_id, body)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["data"]["events"])


async def test_operations_and_timeouts_happen_in_order_and_nothing_is_changed(
    api: ApiClient,
) -> None:
    session_id = await api.created(GAME)
    operations = [
        {"after_ms": 1_000, "operation": "start"},
        {"after_ms": 5_000, "operation": "switch"},
        {"after_ms": 6_000, "operation": "pause"},
        {"after_ms": 9_000, "operation": "resume"},
    ]
    answer = await simulate(api, session_id, {"operations": operations, **UNTIL})
    data = answer.json()["data"]
    shown = [(e["after_ms"], e["cause"], e["version"]) for e in data["events"]]
    assert shown == [
        (1_000, "session_started", 2),
        (5_000, "cycle_switched", 3),
        (6_000, "session_paused", 4),
        (9_000, "session_resumed", 5),
        (18_000, "time_expired", 6),  # Ben had 9 s left
    ]
    assert (data["events"][-1]["participant_id"], data["session"]["status"]) == ("ben", "expired")
    assert data["session"]["participants"][0]["time_remaining_ms"] == 6_000
    after = await api.session(session_id)
    assert (after["version"], after["status"]) == (1, "pending")


async def test_a_completion_takes_the_metadata_that_it_takes_in_reality(api: ApiClient) -> None:
    session_id = await api.started({**GAME, "metadata": {"round": 3}})
    result = {"after_ms": 1_000, "operation": "complete", "metadata": {"result": "1-0"}}
    shown = (await simulate(api, session_id, {"operations": [result]})).json()["data"]["session"]
    assert (shown["status"], shown["metadata"]) == ("completed", {"result": "1-0"})
    large = {**result, "metadata": {"pad": "x" * 9_000}}
    refused = details_of(await simulate(api, session_id, {"operations": [large]}))
    real = details_of(await api.do(session_id, "complete", {"metadata": large["metadata"]}))
    assert refused == {"operations.0.metadata": real["metadata"]}


async def test_times_may_be_written_with_a_decimal_point(api: ApiClient) -> None:
    session_id = await api.created(GAME)
    body = {"operations": [{"after_ms": 1_000.0, "operation": "start"}], "until_ms": 2_000.0}
    assert [one["after_ms"] for one in await events_of(api, session_id, body)] == [1_000]


async def test_a_refused_operation_is_shown_and_the_simulation_goes_on(api: ApiClient) -> None:
    session_id = await api.created(GAME)
    operations = [
        {"after_ms": 0, "operation": "pause"},
        {"after_ms": 0, "operation": "start"},
        {"after_ms": 10, "operation": "forfeit", "participant_id": "cleo"},
        {"after_ms": 20, "operation": "switch", "current_participant_id": "ben"},
    ]
    events = await events_of(api, session_id, {"operations": operations})
    assert [(e["type"], e.get("operation")) for e in events] == [
        ("refused", 0),
        ("change", None),
        ("refused", 2),
        ("refused", 3),
    ]
    codes = [e["error"]["code"] for e in events if e["type"] == "refused"]
    assert codes == ["INVALID_STATE_TRANSITION", "PARTICIPANT_NOT_FOUND", "CONFLICT"]


async def test_a_refused_operation_names_its_field_as_the_request_does(api: ApiClient) -> None:
    session_id = await api.created(GAME)
    taken = {"add_ms": -20_000, "to": {"participants": ["ada"]}}
    operation = {"after_ms": 0, "operation": "adjust", **taken}
    (refused,) = await events_of(api, session_id, {"operations": [operation]})
    real = (await api.do(session_id, "adjust", taken)).json()["error"]
    assert [one["field"] for one in real["details"]] == ["add_ms"]
    assert refused["error"] == {name: real[name] for name in ("code", "message", "details")}


async def test_warnings_and_ends_of_periods_are_shown(api: ApiClient) -> None:
    control = {"overtime": {"period_ms": 5_000, "periods": 2}}
    body = chess(participants=[ADA, BEN], time_control=control, warn_at_ms=[4_000])
    events = await events_of(api, await api.started(body), UNTIL)
    shown = [(e["type"], e.get("periods_left"), e.get("threshold_ms")) for e in events]
    assert shown == [
        ("period_ended", 1, None),
        ("warning", None, 4_000),
        ("change", None, None),
    ]


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({"operations": [{"after_ms": -1, "operation": "pause"}]}, "operations.0.after_ms", "0ms"),
        ({"operations": [{"operation": "switch"}]}, "operations.0.after_ms", "is required"),
        ({"operations": [{"after_ms": 0, "operation": "jump"}]}, "operations.0.operation", "start"),
        (
            {"operations": [{"after_ms": 0, "operation": "swich"}]},
            "operations.0.operation",
            "'complete', 'switch', 'go'",
        ),
        ({"operations": [{"after_ms": 0}]}, "operations.0.operation", "is required"),
        (
            {"operations": [{"after_ms": 0, "operation": "adjust", "add_ms": 0, "set_ms": 1_000}]},
            "operations.0.add_ms",
            "cannot be 0ms",
        ),
        (
            {"operations": [{"after_ms": 0, "operation": "adjust", "add_ms": "x"}]},
            "operations.0.add_ms",
            "must be an integer",
        ),
        (
            {"operations": [{"after_ms": 0, "operation": "forfeit"}]},
            "operations.0.participant_id",
            "is required",
        ),
        (
            {"operations": [{"after_ms": 0, "operation": "pause", "reason": "x"}]},
            "operations.0.reason",
            "is not a known field",
        ),
        ({"operations": ["pause"]}, "operations.0", "must be an object"),
        ({"operations": [{"after_ms": 0, "operation": {}}]}, "operations.0.operation", "start"),
        ({"operations": [{"after_ms": 0, "operation": "pause"}] * 101}, "operations", "100"),
        (
            {
                "operations": [
                    {"after_ms": 5, "operation": "pause"},
                    {"after_ms": 4, "operation": "resume"},
                ]
            },
            "body",
            "in the order",
        ),
        (
            {"operations": [{"after_ms": 5, "operation": "pause"}], "until_ms": 4},
            "body",
            "before the last",
        ),
    ],
)
async def test_wrong_input_is_refused_with_its_field(
    api: ApiClient, body: Any, field: str, message: str
) -> None:
    details = details_of(await simulate(api, await api.created(GAME), body))
    assert [*details] == [field]
    assert message in details[field]


async def test_a_simulation_of_too_many_events_is_refused(api: ApiClient) -> None:
    body = {
        "sync_mode": "per_cycle",
        "time_per_cycle_ms": 1_000,
        "participants": [participant(None), participant(None)],
        "auto_advance": True,
    }
    session_id = await api.started(body)
    details = details_of(await simulate(api, session_id, {"until_ms": 2_000_000}))
    assert details == {"until_ms": "cannot cover more than 1000 events"}
