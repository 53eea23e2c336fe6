"""Settings of a session changed over HTTP: `PATCH /v1/sessions/{id}`."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.support.api import ApiClient, check_documented, chess, details_of, error_of, participant

pytestmark = pytest.mark.http

SETTINGS: dict[str, Any] = {
    "metadata": {"table": 7},
    "warn_at_ms": [10_000, 5_000],
    "action_on_timeout": {"type": "end_session", "winner_by": "time"},
    "participants_may_pause": True,
    "participants_may_give_ms": 15_000,
}


async def update(api: ApiClient, session_id: str, body: Any, **headers: str) -> httpx.Response:
    path = f"/v1/sessions/{session_id}"
    return check_documented(await api.http.patch(path, json=body, headers=headers), None)


@pytest.mark.parametrize("name", SETTINGS)
async def test_a_setting_changes_and_the_others_stay(api: ApiClient, name: str) -> None:
    session_id = await api.created(chess(metadata={"table": 1}))
    before = await api.session(session_id)
    answer = await update(api, session_id, {name: SETTINGS[name]})
    assert answer.status_code == 200, answer.text
    after = await api.session(session_id)
    volatile = {"updated_at", "server_time_ms", "version", name}
    kept = {key: value for key, value in before.items() if key not in volatile}
    assert {key: value for key, value in after.items() if key not in volatile} == kept
    assert (after[name], after["version"]) == (SETTINGS[name], 2)


async def test_all_settings_change_in_one_version_while_the_clocks_run_on(api: ApiClient) -> None:
    session_id = await api.started(chess())
    before = await api.session(session_id)
    after = (await update(api, session_id, SETTINGS)).json()["data"]
    assert {name: after[name] for name in SETTINGS} == SETTINGS
    elapsed = after["server_time_ms"] - before["server_time_ms"]
    assert before["time_remaining_ms"] - elapsed == after["time_remaining_ms"]


async def test_settings_can_be_taken_away(api: ApiClient) -> None:
    session_id = await api.created(chess(**SETTINGS))
    body: dict[str, Any] = {"metadata": None, "warn_at_ms": [], "participants_may_pause": False}
    after = (await update(api, session_id, {**body, "participants_may_give_ms": 0})).json()["data"]
    assert not after.keys() & {*body, "participants_may_give_ms"}
    assert after["action_on_timeout"] == SETTINGS["action_on_timeout"]


async def test_a_new_threshold_is_warned_of_and_a_new_action_applies(api: ApiClient) -> None:
    body = chess(participants=[participant(1_500), participant()])
    session_id = await api.started(body)
    await update(api, session_id, {"action_on_timeout": {"type": "end_session"}})
    async with asyncio.timeout(30):
        while (await api.session(session_id))["status"] != "expired":
            await asyncio.sleep(0.1)


async def test_who_starts_can_be_chosen_until_the_start(api: ApiClient) -> None:
    session_id = await api.created(chess())
    first, second = (
        one["participant_id"] for one in (await api.session(session_id))["participants"]
    )
    chosen = (await update(api, session_id, {"active_participant_id": second})).json()["data"]
    assert (chosen["starts_with"], chosen["active_participant_id"]) == (second, None)
    started = (await api.do(session_id, "start")).json()["data"]
    assert started["active_participant_id"] == second
    refused = await update(api, session_id, {"active_participant_id": first})
    assert error_of(refused) == (400, "INVALID_STATE_TRANSITION")


_NEEDS = "must have at least one of metadata, warn_at_ms, action_on_timeout"


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({}, "body", _NEEDS),
        ({"warn_at_ms": None}, "body", _NEEDS),
        ({"sync_mode": "global"}, "sync_mode", "is not a known field"),
        ({"warn_at_ms": [1] * 6}, "warn_at_ms", "cannot exceed 5 entries"),
        ({"warn_at_ms": [0]}, "warn_at_ms.0", "must be at least 1ms"),
        ({"action_on_timeout": {"type": "x"}}, "action_on_timeout.type", "must be one of"),
        ({"metadata": {"x": "y" * 9_000}}, "metadata", "cannot exceed 8192 bytes"),
        ({"participants_may_give_ms": 600_001}, "participants_may_give_ms", "cannot exceed"),
        ({"participants_may_pause": 1}, "participants_may_pause", "must be true or false"),
        ({"active_participant_id": "nobody"}, "active_participant_id", "must be one of"),
    ],
)
async def test_a_wrong_setting_is_refused(
    api: ApiClient, body: Any, field: str, message: str
) -> None:
    session_id = await api.created(chess())
    details = details_of(await update(api, session_id, body))
    assert details[field].startswith(message)
    assert (await api.session(session_id))["version"] == 1


@pytest.mark.parametrize("verb", ["complete", "cancel"])
async def test_an_ended_session_keeps_its_settings(api: ApiClient, verb: str) -> None:
    session_id = await api.started(chess())
    await api.do(session_id, verb)
    answer = await update(api, session_id, SETTINGS)
    assert error_of(answer) == (400, "INVALID_STATE_TRANSITION")


async def test_an_update_is_made_once_and_only_on_the_named_version(api: ApiClient) -> None:
    session_id = await api.created(chess())
    stale = await update(api, session_id, SETTINGS, **{"If-Match": '"7"'})
    assert error_of(stale) == (412, "PRECONDITION_FAILED")
    key = {"Idempotency-Key": str(uuid4())}
    first = await update(api, session_id, SETTINGS, **key)
    assert (await update(api, session_id, SETTINGS, **key)).json() == first.json()
    assert (await api.session(session_id))["version"] == 2


async def test_the_trail_names_the_changed_fields(guarded: ApiClient) -> None:
    session_id = await guarded.created(chess())
    await update(guarded, session_id, {"metadata": None, "warn_at_ms": [1_000]})
    events: list[Any] = []
    async with asyncio.timeout(30):
        while len(events) < 2:
            answer = await guarded.http.get(f"/v1/sessions/{session_id}/events")
            events = answer.json()["data"]["events"]
    assert events[1]["event"] == "session_updated"
    assert events[1]["metadata"] == {"fields": ["metadata", "warn_at_ms"]}


async def test_a_session_ends_with_its_result_in_one_version(api: ApiClient) -> None:
    session_id = await api.started(chess())
    metadata = {"result": {"winner": None, "by": "agreement"}}
    both = await api.do(
        session_id, "complete", {"metadata": metadata, "effective_at": "2030-01-01T00:00:00Z"}
    )
    assert error_of(both) == (400, "VALIDATION_ERROR")
    ended = (await api.do(session_id, "complete", {"metadata": metadata})).json()["data"]
    assert (ended["status"], ended["version"], ended["metadata"]) == ("completed", 3, metadata)
    assert ended["ended_with"] == ended["participants"][0]["participant_id"]
