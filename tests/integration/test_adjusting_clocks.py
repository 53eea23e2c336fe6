"""Giving and setting time over HTTP: `POST .../adjust`."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from tests.support.api import ApiClient, chess, details_of, error_of, participant

pytestmark = pytest.mark.http

FIVE_MINUTES = {"add_ms": 300_000}


def modes() -> dict[str, dict[str, Any]]:
    """Return a create body for each mode, with and without participants where both work."""
    two = [participant(), participant()]
    without_time = [participant(None), participant(None)]
    return {
        "per_participant": {"participants": two},
        "per_cycle": {"participants": without_time, "time_per_cycle_ms": 60_000},
        "per_group": {"participants": [{**one, "group_id": "red"} for one in two]},
        "global": {"total_time_ms": 60_000},
        "global_with": {"total_time_ms": 60_000, "participants": without_time},
        "global_cycle": {"time_per_cycle_ms": 60_000},
        "count_up": {"max_time_ms": 60_000},
        "count_up_with": {"max_time_ms": 60_000, "participants": without_time},
    }


@pytest.mark.parametrize("name", modes())
async def test_everybody_gets_five_minutes_more_in_every_mode(api: ApiClient, name: str) -> None:
    mode = name.removesuffix("_with").removesuffix("_cycle") if name != "per_cycle" else name
    session_id = await api.started({"sync_mode": mode, **modes()[name]})
    before = await api.session(session_id)
    answer = await api.do(session_id, "adjust", FIVE_MINUTES)
    assert answer.status_code == 200, answer.text
    after = answer.json()["data"]
    elapsed = after["server_time_ms"] - before["server_time_ms"]
    assert after["version"] == 3
    assert after["time_remaining_ms"] == before["time_remaining_ms"] - elapsed + 300_000
    for one, other in zip(before["participants"], after["participants"], strict=True):
        spent = elapsed if other.get("clock", {}).get("rate") else 0
        assert other["time_remaining_ms"] == one["time_remaining_ms"] - spent + 300_000


async def test_named_participants_get_time_and_the_others_keep_theirs(api: ApiClient) -> None:
    body = chess()
    anna, ben = (one["participant_id"] for one in body["participants"])
    session_id = await api.created(body)
    answer = await api.do(session_id, "adjust", {"set_ms": 5_000, "to": {"participants": [ben]}})
    banks = {p["participant_id"]: p["total_time_ms"] for p in answer.json()["data"]["participants"]}
    assert banks == {anna: 60_000, ben: 5_000}


_BAD_BODIES: list[tuple[Any, str, str]] = [
    ({}, "add_ms", "is required unless set_ms is given"),
    ({"add_ms": 1, "set_ms": 1_000}, "add_ms", "cannot be combined with set_ms"),
    ({"add_ms": 0}, "add_ms", "cannot be 0ms"),
    ({"add_ms": 86_400_001}, "add_ms", "cannot exceed 86400000ms"),
    ({"add_ms": -86_400_001}, "add_ms", "must be at least -86400000ms"),
    ({"add_ms": "5"}, "add_ms", "must be an integer"),
    ({"set_ms": 999}, "set_ms", "must be at least 1000ms"),
    ({"set_ms": 86_400_001}, "set_ms", "cannot exceed 86400000ms"),
    ({"add_ms": 1, "to": "everybody"}, "to", "must be one of 'all', 'session' or 'cycle'"),
    ({"add_ms": 1, "to": 7}, "to", "must be an object"),
    ({"add_ms": 1, "to": {}}, "to", "must name participants or groups, and not both"),
    ({"add_ms": 1, "to": {"participants": []}}, "to.participants", "must have at least 1 entry"),
    ({"add_ms": 1, "to": {"people": ["x"]}}, "to.people", "is not a known field"),
    (
        {"add_ms": 1, "to": {"participants": ["nobody"]}},
        "to.participants.0",
        "is not a participant of this session",
    ),
    ({"add_ms": 1, "to": {"groups": ["red"]}}, "to.groups", "is for per_group only"),
    ({"add_ms": 1, "to": "session"}, "to", "needs a session clock: this session has none"),
    ({"add_ms": 1, "reopen": 1}, "reopen", "must be true or false"),
]


@pytest.mark.parametrize(("body", "field", "message"), _BAD_BODIES)
async def test_a_wrong_body_is_refused_with_its_field(
    api: ApiClient, body: Any, field: str, message: str
) -> None:
    session_id = await api.created(chess())
    assert details_of(await api.do(session_id, "adjust", body)) == {field: message}
    assert (await api.session(session_id))["version"] == 1


_BAD_TARGET = ("to", "must name participants or groups, and not both", "one_of_two")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"add_ms": 1_000, "to": {}}, _BAD_TARGET),
        ({"add_ms": 1_000, "to": {"participants": None}}, _BAD_TARGET),
        ({"add_ms": 1_000, "to": {"participants": ["ben"], "groups": ["red"]}}, _BAD_TARGET),
        ({}, ("add_ms", "is required unless set_ms is given", "missing")),
        (
            {"add_ms": 1_000, "set_ms": 1_000},
            ("add_ms", "cannot be combined with set_ms", "not_allowed"),
        ),
    ],
)
async def test_a_body_is_checked_before_the_status_and_the_version(
    api: ApiClient, body: dict[str, Any], expected: tuple[str, str, str]
) -> None:
    session_id = await api.created(chess())
    await api.do(session_id, "cancel")
    refused = await api.do(session_id, "adjust", body, headers={"If-Match": '"1"'})
    assert error_of(refused) == (400, "VALIDATION_ERROR")
    (detail,) = refused.json()["error"]["details"]
    assert detail == dict(zip(("field", "message", "code"), expected, strict=True))


async def test_a_clock_that_would_fall_to_zero_is_named(api: ApiClient) -> None:
    body = chess(participants=[participant(60_000), participant(5_000, participant_id="ben")])
    session_id = await api.created(body)
    details = details_of(await api.do(session_id, "adjust", {"add_ms": -5_000}))
    assert "participant ben" in details["add_ms"]
    assert (await api.session(session_id))["version"] == 1


async def test_a_clock_keeps_time_when_its_bank_and_periods_are_set(api: ApiClient) -> None:
    ada = participant(10_000, participant_id="ada")
    control = {"overtime": {"period_ms": 30_000, "periods": 3}}
    body = chess(participants=[ada, participant()], time_control=control, test=True)
    session_id = await api.started(body)
    await api.do(session_id, "advance", {"ms": 20_000})
    message = "would leave participant ada with 0ms, and must leave more than 0ms"
    refused = await api.adjust(session_id, "ada", {"overtime_periods": 0})
    assert details_of(refused) == {"overtime_periods": message}
    bank_only = {"total_time_ms": 5_000, "overtime_periods": 0}
    assert (await api.adjust(session_id, "ada", bank_only)).status_code == 200
    emptied = await api.adjust(session_id, "ada", {"total_time_ms": 0})
    assert details_of(emptied) == {"total_time_ms": message}
    all_emptied = await api.do(session_id, "adjust", {"set_ms": 0})
    assert details_of(all_emptied) == {"set_ms": message}
    assert (await api.session(session_id))["version"] == 4


async def test_an_expired_exam_is_reopened_with_the_time_that_is_added(api: ApiClient) -> None:
    session_id = await api.started({"sync_mode": "global", "total_time_ms": 1_000})
    async with asyncio.timeout(30):
        while (await api.session(session_id))["status"] != "expired":
            await asyncio.sleep(0.1)
    assert error_of(await api.do(session_id, "adjust", FIVE_MINUTES)) == (
        400,
        "INVALID_STATE_TRANSITION",
    )
    answer = await api.do(session_id, "adjust", {**FIVE_MINUTES, "reopen": True})
    session = answer.json()["data"]
    assert (session["status"], session["session_completed_at"]) == ("running", None)
    assert session["time_remaining_ms"] == 300_000


async def test_a_repeated_request_adds_the_time_once(api: ApiClient) -> None:
    session_id, key = await api.created(chess()), {"Idempotency-Key": str(uuid4())}
    first = await api.do(session_id, "adjust", FIVE_MINUTES, key)
    second = await api.do(session_id, "adjust", FIVE_MINUTES, key)
    assert first.json() == second.json()
    assert (await api.session(session_id))["version"] == 2


async def test_the_trail_says_what_was_asked_and_what_changed(guarded: ApiClient) -> None:
    body = chess()
    anna, ben = (one["participant_id"] for one in body["participants"])
    session_id = await guarded.created(body)
    await guarded.do(session_id, "adjust", {"add_ms": 1_000, "reason": "fire alarm"})
    events: list[Any] = []
    async with asyncio.timeout(30):
        while len(events) < 2:
            answer = await guarded.http.get(f"/v1/sessions/{session_id}/events")
            events = answer.json()["data"]["events"]
    assert (events[1]["event"], events[1]["actor"]) == ("time_adjusted", "host:alice")
    assert events[1]["metadata"] == {
        "add_ms": 1_000,
        "to": "all",
        "reason": "fire alarm",
        "clocks": [
            {"participant_id": who, "before_ms": 60_000, "after_ms": 61_000} for who in (anna, ben)
        ],
    }
