"""A pending session names its starter and has no active participant or group."""

from typing import Any

import pytest

from tests.support.api import ApiClient, chess, participant

pytestmark = pytest.mark.http

RED, BLUE = "10000000-0000-4000-8000-00000000000a", "10000000-0000-4000-8000-00000000000b"


def two_groups() -> dict[str, Any]:
    """Return a create body for two groups, the second of which starts."""
    people = [participant(group_id=RED), participant(group_id=BLUE)]
    starter = people[1]["participant_id"]
    return {"sync_mode": "per_group", "participants": people, "active_participant_id": starter}


def active_ids(session: dict[str, Any]) -> list[str]:
    """Return the ids of all participants and groups that a session shows as active."""
    people = [p["participant_id"] for p in session["participants"] if p["is_active"]]
    return people + [g["group_id"] for g in session.get("groups", []) if g["is_active"]]


async def test_a_pending_session_names_its_starter_and_has_no_active_participant(
    api: ApiClient,
) -> None:
    body = chess()
    starter = body["active_participant_id"] = body["participants"][1]["participant_id"]
    created = (await api.create(body)).json()["data"]
    for session in (created, await api.session(created["session_id"])):
        assert session["active_participant_id"] is None
        assert session["starts_with"] == starter
        assert active_ids(session) == []
        assert session["time_remaining_ms"] == 60_000


async def test_the_first_participant_starts_by_default(api: ApiClient) -> None:
    body = chess()
    session = (await api.create(body)).json()["data"]
    assert session["starts_with"] == body["participants"][0]["participant_id"]


async def test_a_pending_session_of_groups_has_no_active_group(api: ApiClient) -> None:
    body = two_groups()
    session = (await api.create(body)).json()["data"]
    assert session["starts_with"] == body["active_participant_id"]
    assert "active_group_id" not in session
    assert active_ids(session) == []


async def test_starts_with_is_omitted_without_participants(api: ApiClient) -> None:
    session = (await api.create({"sync_mode": "count_up"})).json()["data"]
    assert session["active_participant_id"] is None
    assert "starts_with" not in session


async def test_the_named_participant_becomes_active_at_the_start(api: ApiClient) -> None:
    body = two_groups()
    session_id = await api.created(body)
    session = (await api.do(session_id, "start")).json()["data"]
    assert session["active_participant_id"] == body["active_participant_id"]
    assert session["active_group_id"] == BLUE
    assert "starts_with" not in session
    assert active_ids(session) == [body["active_participant_id"], BLUE]


@pytest.mark.parametrize("verb", ["cancel", "complete"])
async def test_a_session_that_ends_before_its_start_has_no_starter(
    api: ApiClient, verb: str
) -> None:
    session_id = await api.created(chess())
    session = (await api.do(session_id, verb)).json()["data"]
    assert session["active_participant_id"] is None
    assert "starts_with" not in session


async def test_the_summary_of_a_pending_session_names_its_starter(api: ApiClient) -> None:
    body = two_groups()
    session_id = await api.created(body)
    summary = (await api.http.get(f"/v1/sessions/{session_id}/summary")).json()["data"]
    assert summary["starts_with"] == body["active_participant_id"]
    assert summary["active_participant_id"] is None
    assert "active_group_id" not in summary
    await api.do(session_id, "start")
    summary = (await api.http.get(f"/v1/sessions/{session_id}/summary")).json()["data"]
    assert "starts_with" not in summary


async def test_the_first_participant_to_join_an_empty_session_starts(api: ApiClient) -> None:
    session_id = await api.created({"sync_mode": "count_up"})
    newcomer = participant(None)
    answer = await api.http.post(f"/v1/sessions/{session_id}/participants", json=newcomer)
    session = answer.json()["data"]
    assert session["starts_with"] == newcomer["participant_id"]
    assert session["active_participant_id"] is None
    assert active_ids(session) == []


async def test_a_replay_of_the_first_version_names_the_starter(api: ApiClient) -> None:
    body = chess()
    session_id = await api.started(body)
    answer = await api.http.get(f"/v1/sessions/{session_id}/replay", params={"version": 1})
    session = answer.json()["data"]
    assert session["starts_with"] == body["participants"][0]["participant_id"]
    assert active_ids(session) == []
