"""Sessions in which each participant has a clock of its own (docs/individual-clocks.md)."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.support import tokens
from tests.support.api import (
    ApiClient,
    check_documented,
    chess,
    details_of,
    error_of,
    forbidden_fields_of,
)
from tests.support.tokens import bearer

pytestmark = pytest.mark.http

ANNA, BEN, CLEO = "anna", "ben", "cleo"
HOUR = 3_600_000


def exam(*seats: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a create body: an hour for each, begun by each."""
    return {
        "sync_mode": "individual",
        "total_time_ms": HOUR,
        "begins": "each",
        "participants": [*seats] or [{"participant_id": name} for name in (ANNA, BEN)],
        **more,
    }


def race() -> dict[str, Any]:
    """Return a create body: all begin together, and time counts up."""
    return {
        "sync_mode": "individual",
        "participants": [{"participant_id": name} for name in (ANNA, BEN)],
    }


def timestamp(*, in_s: int) -> str:
    return (datetime.now(UTC) + timedelta(seconds=in_s)).isoformat(timespec="milliseconds")


def person(session: dict[str, Any], name: str) -> dict[str, Any]:
    found = (p for p in session["participants"] if p["participant_id"] == name)
    return dict(next(found))


async def act(api: ApiClient, session_id: str, who: str, verb: str, **more: Any) -> Any:
    """Send a command on one participant, and return the session after it."""
    answer = await api.do(session_id, f"participants/{who}/{verb}", **more)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def test_an_exam_shows_each_candidates_own_time(api: ApiClient) -> None:
    closes_at = timestamp(in_s=4 * 3_600)
    seats: list[dict[str, Any]] = [
        {"participant_id": ANNA, "factor_permille": 1_250, "extra_ms": 60_000},
        {"participant_id": BEN, "closes_at": timestamp(in_s=5 * 3_600)},
    ]
    session_id = await api.started(exam(*seats, closes_at=closes_at, grace_ms=30_000))
    shown = await act(api, session_id, ANNA, "begin")
    anna, ben = person(shown, ANNA), person(shown, BEN)
    assert (shown["begins"], shown["grace_ms"]) == ("each", 30_000)
    assert shown["active_participant_id"] is None
    assert datetime.fromisoformat(shown["closes_at"]) == datetime.fromisoformat(closes_at)
    assert (anna["state"], anna["is_active"], anna["total_time_ms"]) == (
        "running",
        True,
        75 * 60_000 + 60_000,
    )
    assert anna["deadline_at"] == shown["deadline_at"]
    assert (anna["factor_permille"], anna["extra_ms"]) == (1_250, 60_000)
    assert anna["clock"] == {"left_ms": 76 * 60_000, "rate": -1}
    assert (ben["state"], ben["total_time_ms"], ben["is_active"]) == ("not_begun", HOUR, False)
    assert "begun_at" not in ben
    assert ben["deadline_at"] == ben["closes_at"]


async def test_pauses_finishes_and_reopenings_are_in_the_trail_and_can_be_replayed(
    api: ApiClient,
) -> None:
    session_id = await api.started(exam())
    states = [await api.session(session_id)]
    for who, verb, body in (
        (ANNA, "begin", None),
        (ANNA, "pause", {"reason": "a fire alarm"}),
        (ANNA, "resume", None),
        (ANNA, "finish", {}),
        (ANNA, "reopen", {"reason": "by mistake"}),
        (BEN, "forfeit", None),
        (ANNA, "finish", None),
    ):
        states.append(await act(api, session_id, who, verb, body=body))
    assert [person(state, ANNA)["state"] for state in states] == [
        *("not_begun", "running", "paused", "running"),
        *("finished", "running", "running", "finished"),
    ]
    assert person(states[-1], BEN)["state"] == "closed"
    assert states[-1]["status"] == "completed"
    events: list[Any] = []
    async with asyncio.timeout(10):
        while len(events) < 9:
            events = (await api.http.get(f"/v1/sessions/{session_id}/events")).json()["data"][
                "events"
            ]
    assert [event["event"].removeprefix("participant_") for event in events[2:]] == [
        *("begun", "paused", "resumed", "finished", "reopened", "closed", "finished"),
    ]
    assert events[3]["metadata"] == {"reason": "a fire alarm"}
    assert events[7]["participant_id"] == BEN
    for state in states:
        query = {"version": state["version"]}
        replayed = await api.http.get(f"/v1/sessions/{session_id}/replay", params=query)
        people = replayed.json()["data"]["participants"]
        assert [p["state"] for p in people] == [p["state"] for p in state["participants"]]


async def test_several_begin_at_one_instant_and_a_retry_begins_nobody_twice(
    api: ApiClient,
) -> None:
    session_id = await api.started(exam())
    key = {"Idempotency-Key": str(uuid4())}
    begun = await api.do(session_id, "begin", {"participants": [ANNA, BEN]}, key)
    people = begun.json()["data"]["participants"]
    assert len({p["begun_at"] for p in people}) == 1
    again = await api.do(session_id, "begin", {"participants": [ANNA, BEN]}, key)
    assert again.json() == begun.json()
    assert error_of(await api.do(session_id, "begin", {"participants": [ANNA]})) == (
        400,
        "INVALID_STATE_TRANSITION",
    )
    assert "participants" in details_of(await api.do(session_id, "begin"))
    unknown = await api.do(session_id, "begin", {"participants": ["nobody"]})
    assert error_of(unknown) == (404, "PARTICIPANT_NOT_FOUND")


async def test_a_question_begins_with_its_number(api: ApiClient) -> None:
    session_id = await api.started(exam(rounds=True))
    begun = (await api.do(session_id, "begin", {"metadata": {"question": 1}})).json()["data"]
    assert {p["state"] for p in begun["participants"]} == {"running"}
    assert (begun["metadata"], begun["version"]) == ({"question": 1}, 3)


async def test_a_participant_begins_and_finishes_its_own_time_only(guarded: ApiClient) -> None:
    session_id = await guarded.started(exam())
    anna = bearer(tokens.participant(session_id, ANNA))
    shown = await act(guarded, session_id, ANNA, "begin", headers=anna)
    assert person(shown, ANNA)["state"] == "running"
    refused: list[httpx.Response] = [
        await guarded.do(session_id, path, body, anna)
        for path, body in (
            (f"participants/{BEN}/begin", None),
            ("begin", None),
            ("begin", {"participants": [ANNA, BEN]}),
            ("begin", {"participants": [ANNA], "metadata": {"question": 2}}),
            (f"participants/{BEN}/finish", None),
            (f"participants/{ANNA}/pause", None),
            (f"participants/{ANNA}/reopen", None),
        )
    ]
    assert {error_of(answer) for answer in refused} == {(403, "FORBIDDEN")}
    shown = await act(guarded, session_id, ANNA, "finish", headers=anna)
    assert person(shown, ANNA)["state"] == "finished"


async def test_a_participant_who_begins_is_told_which_field_it_may_not_send(
    guarded: ApiClient,
) -> None:
    session_id = await guarded.started(exam())
    anna = bearer(tokens.participant(session_id, ANNA))
    body = {"participants": [ANNA], "metadata": {"question": 2}}
    refused = await guarded.do(session_id, "begin", body, anna)
    assert forbidden_fields_of(refused) == {"metadata": "is for hosts, cohosts and services only"}
    message = refused.json()["error"]["message"]
    assert message == "A participant can't change the session's metadata"
    for others in (None, {"participants": [ANNA, BEN]}):
        refused = await guarded.do(session_id, "begin", others, anna)
        assert [*forbidden_fields_of(refused)] == ["participants"]


async def test_after_the_deadline_a_candidate_is_overdue_and_its_finish_is_late(
    api: ApiClient,
) -> None:
    session_id = await api.started(exam(total_time_ms=1_000, grace_ms=HOUR))
    await act(api, session_id, ANNA, "begin")
    async with asyncio.timeout(10):
        while person(await api.session(session_id), ANNA)["state"] != "overdue":
            await asyncio.sleep(0.05)
    overdue = person(await api.session(session_id), ANNA)
    assert (overdue["has_expired"], overdue["time_remaining_ms"]) == (True, 0)
    finished = person(await act(api, session_id, ANNA, "finish"), ANNA)
    assert (finished["state"], finished["time_used_ms"]) == ("finished", 1_000)
    begun_at, finished_at = (
        datetime.fromisoformat(finished[name]) for name in ("begun_at", "finished_at")
    )
    since = (finished_at - begun_at) // timedelta(milliseconds=1)
    assert finished["late_ms"] == since - 1_000


async def test_a_race_stamps_each_finish(api: ApiClient) -> None:
    session_id = await api.started(race())
    first = await act(api, session_id, BEN, "finish")
    assert person(first, ANNA)["clock"]["rate"] == 1
    assert person(first, BEN)["clock"] == {
        "left_ms": person(first, BEN)["time_used_ms"],
        "rate": 0,
    }
    assert first["deadline_at"] is None
    assert (await act(api, session_id, ANNA, "finish"))["status"] == "completed"


async def test_time_is_given_to_all_by_the_factor_of_each(api: ApiClient) -> None:
    seats: list[dict[str, Any]] = [
        {"participant_id": ANNA, "factor_permille": 1_500},
        {"participant_id": BEN},
    ]
    session_id = await api.started(exam(*seats))
    given = await api.do(session_id, "adjust", {"add_ms": 60_000, "scaled": True})
    people = given.json()["data"]["participants"]
    assert [p["total_time_ms"] for p in people] == [HOUR * 3 // 2 + 90_000, HOUR + 60_000]


async def test_errors_of_a_creation_name_their_fields(api: ApiClient) -> None:
    too_early = {"participant_id": BEN, "closes_at": timestamp(in_s=60)}
    answer = await api.create(exam({"participant_id": ANNA}, too_early, auto_advance=True))
    assert set(details_of(answer)) == {"auto_advance", "participants.1.closes_at"}
    assert (await api.create(exam(too_early, allow_cut=True))).status_code == 201
    for wrong, field in (
        ({"closes_at": 1_760_000_000_000}, "closes_at"),
        ({"closes_at": "2026-01-31T09:30:05"}, "closes_at"),
        ({"begins": "later"}, "begins"),
        ({"grace_ms": 3_600_001}, "grace_ms"),
    ):
        assert list(details_of(await api.create(exam(**wrong)))) == [field]
    answer = await api.create(chess(rounds=True, grace_ms=1))
    assert set(details_of(answer)) == {"rounds", "grace_ms"}


async def test_a_latecomer_needs_time_before_the_close_or_allow_cut(api: ApiClient) -> None:
    session_id = await api.started(exam(closes_at=timestamp(in_s=600), allow_cut=True))
    newcomer = {"participant_id": CLEO}
    refused = await api.do(session_id, "participants", newcomer)
    assert list(details_of(refused)) == ["closes_at"]
    joined = await api.do(session_id, "participants", {**newcomer, "allow_cut": True})
    assert person(joined.json()["data"], CLEO)["state"] == "not_begun"


async def test_an_exam_of_hours_can_be_simulated(api: ApiClient) -> None:
    session_id = await api.started(exam(grace_ms=60_000))
    own = {"participant_id": ANNA}
    operations = [
        {"after_ms": 0, "operation": "begin", "participants": [ANNA, BEN]},
        {"after_ms": 1_000, "operation": "pause_participant", **own, "reason": "ill"},
        {"after_ms": 601_000, "operation": "resume_participant", **own},
        {"after_ms": 602_000, "operation": "finish", **own},
        {"after_ms": 603_000, "operation": "reopen", **own},
    ]
    body = {"operations": operations, "until_ms": 2 * HOUR}
    answer = await api.http.post(f"/v1/sessions/{session_id}/simulate", json=body)
    data = check_documented(answer, None).json()["data"]
    assert [(e["after_ms"], e["cause"], e.get("participant_id")) for e in data["events"][4:]] == [
        (603_000, "participant_reopened", ANNA),
        (HOUR, "time_expired", BEN),
        (HOUR + 60_000, "participant_closed", BEN),
        (HOUR + 600_000, "time_expired", ANNA),
        (HOUR + 660_000, "participant_closed", ANNA),
    ]
    assert data["session"]["status"] == "expired"
