"""Undo over HTTP (docs/api.md): the last switch, its refusals, and its entry in the trail."""

import pytest

from tests.support.api import ApiClient, chess, details_of, error_of

pytestmark = pytest.mark.http


async def test_an_undo_is_one_version_with_an_audit_event(api: ApiClient) -> None:
    session_id = await api.started(chess(increment_ms=5_000))
    switched = (await api.do(session_id, "switch")).json()["data"]
    ada, ben = (p["participant_id"] for p in switched["participants"])
    assert switched["active_participant_id"] == ben
    answer = await api.do(
        session_id, "undo", {"mode": "turn_start", "reason": "illegal move", "if_version": 3}
    )
    undone = answer.json()["data"]
    assert (undone["version"], undone["cycle_number"]) == (4, 1)
    assert undone["active_participant_id"] == ada
    assert [p["total_time_ms"] for p in undone["participants"]] == [60_000, 60_000]
    assert undone["deadline_at"] is not None


async def test_refusals_name_their_reason(api: ApiClient) -> None:
    session_id = await api.started(chess())
    nothing = await api.do(session_id, "undo", {"mode": "turn_start"})
    assert error_of(nothing) == (409, "NOTHING_TO_UNDO")
    await api.do(session_id, "switch")
    stale = await api.do(session_id, "undo", {"mode": "turn_start", "if_version": 2})
    assert error_of(stale) == (409, "CONFLICT")
    assert stale.json()["error"]["details"] == {"expected_version": 2, "actual_version": 3}
    await api.do(session_id, "pause")
    blocked = await api.do(session_id, "undo", {"mode": "before_switch"})
    assert error_of(blocked) == (409, "CONFLICT")
    assert "as_if_never" in blocked.json()["error"]["message"]
    invalid = await api.do(session_id, "undo", {"mode": "back"})
    assert list(details_of(invalid)) == ["mode"]
    assert (await api.session(session_id))["version"] == 4


async def test_an_undo_with_a_key_happens_once(api: ApiClient) -> None:
    session_id = await api.started(chess())
    for _ in range(2):
        await api.do(session_id, "switch")
    body, headers = {"mode": "turn_start"}, {"Idempotency-Key": "undo-1"}
    first = await api.do(session_id, "undo", body, headers)
    again = await api.do(session_id, "undo", body, headers)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json()["data"]["version"] == first.json()["data"]["version"] == 5
    assert (await api.session(session_id))["cycle_number"] == 2
