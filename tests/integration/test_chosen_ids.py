"""Ids and names that an application chooses, in each place of the API that takes or shows them."""

from uuid import uuid4

import pytest
from pydantic import TypeAdapter

from shared.http.openapi import models
from tests.support import tokens
from tests.support.api import ApiClient, check_documented, details_of, error_of, participant
from tests.support.tokens import bearer

pytestmark = pytest.mark.http

_session = TypeAdapter(models.Envelope[models.Session])
_switch = TypeAdapter(models.Envelope[models.SwitchResult])
_token = TypeAdapter(models.Envelope[models.Token])

ALICE, BEN = "alice@example.com", "Ünïcode/✓"
ODD = ["a/b", "a/../b", "?", "a#b", "50%25", "%2F", "ü", "😀" * 64, "a b", "{x}:*", "'; drop --"]


async def test_a_game_is_played_with_ids_of_the_application(guarded: ApiClient) -> None:
    upper = str(uuid4()).upper()
    cleo = upper.lower()
    people = [
        participant(participant_id=ALICE, name="Alice"),
        participant(participant_id=BEN, name=" Ben 💜"),
        participant(participant_id=upper),
    ]
    body = {"sync_mode": "per_participant", "participants": people, "active_participant_id": BEN}
    created = await guarded.create(body)
    assert created.status_code == 201, created.text
    data = created.json()["data"]
    session_id = data["session_id"]
    assert [p["participant_id"] for p in data["participants"]] == [ALICE, BEN, cleo]
    assert [p.get("name") for p in data["participants"]] == ["Alice", " Ben 💜", None]
    assert "name" not in data["participants"][2]
    assert data["starts_with"] == BEN
    await guarded.do(session_id, "start")

    request = {"role": "participant", "participant_id": BEN}
    issued = await guarded.http.post(f"/v1/sessions/{session_id}/tokens", json=request)
    token = check_documented(issued, _token).json()["data"]["token"]
    switched = await guarded.http.post(
        f"/v1/sessions/{session_id}/switch",
        json={"next_participant_id": upper, "current_participant_id": BEN},
        headers=bearer(token),
    )
    result = check_documented(switched, _switch).json()["data"]
    assert result["active_participant_id"] == cleo
    assert [p.get("name") for p in result["participants"]] == ["Alice", " Ben 💜", None]
    own = tokens.participant(session_id, upper)
    again = await guarded.http.post(f"/v1/sessions/{session_id}/switch", headers=bearer(own))
    assert check_documented(again, _switch).json()["data"]["active_participant_id"] == ALICE

    for chosen, shown, ms in ((ALICE, ALICE, 50_000), (BEN, BEN, 60_000), (upper, cleo, 70_000)):
        adjusted = await guarded.adjust(session_id, chosen, {"total_time_ms": ms})
        assert adjusted.status_code == 200, adjusted.text
        banks = {
            p["participant_id"]: p["total_time_ms"] for p in adjusted.json()["data"]["participants"]
        }
        assert banks[shown] == ms

    found = await guarded.audited(session_id, 7)
    assert [(e["event"], e["participant_id"]) for e in found] == [
        ("session_created", None),
        ("session_started", BEN),
        ("cycle_switched", BEN),
        ("cycle_switched", cleo),
        ("participant_time_adjusted", ALICE),
        ("participant_time_adjusted", BEN),
        ("participant_time_adjusted", cleo),
    ]
    assert [e["actor"] for e in found[2:4]] == [f"participant:{BEN}", f"participant:{cleo}"]
    replayed = await guarded.http.get(f"/v1/sessions/{session_id}/replay", params={"version": 3})
    assert (
        check_documented(replayed, _session).json()["data"]["participants"]
        == result["participants"]
    )


@pytest.mark.parametrize("chosen", ODD)
async def test_any_id_can_be_added_and_named_in_a_path(api: ApiClient, chosen: str) -> None:
    body = {"sync_mode": "global", "total_time_ms": 60_000, "time_per_cycle_ms": 20_000}
    session_id = await api.started(body)
    path = f"/v1/sessions/{session_id}/participants"
    newcomer = participant(None, participant_id=chosen, name=chosen)
    added = check_documented(await api.http.post(path, json=newcomer), _session)
    assert added.status_code == 201, added.text
    shown = added.json()["data"]["participants"]
    assert [(p["participant_id"], p["name"]) for p in shown] == [(chosen, chosen)]
    adjusted = await api.adjust(session_id, chosen, {"total_time_ms": 5_000})
    assert adjusted.status_code == 200, adjusted.text
    other = await api.adjust(session_id, f"{chosen[:63]}x", {"total_time_ms": 5_000})
    assert error_of(other) == (404, "PARTICIPANT_NOT_FOUND")


async def test_groups_have_ids_and_names_of_the_application(api: ApiClient) -> None:
    people = [
        participant(participant_id="Ann", group_id="Red/1"),
        participant(participant_id="ann", group_id="red/1"),
        participant(participant_id="Solo", name="Sole"),
    ]
    groups = [
        {"group_id": "Red/1", "total_time_ms": 9_000, "name": "The Reds"},
        {"group_id": "red/1", "total_time_ms": 9_000},
    ]
    body = {"sync_mode": "per_group", "participants": people, "groups": groups}
    session = await api.session(await api.started(body))
    assert [(g["group_id"], g.get("name")) for g in session["groups"]] == [
        ("Red/1", "The Reds"),
        ("red/1", None),
        ("Solo", None),
    ]
    assert session["active_group_id"] == "Red/1"
    assert "name" not in session["groups"][1]


async def test_a_key_used_for_one_id_is_not_valid_for_an_id_in_other_letters(
    api: ApiClient,
) -> None:
    people = [participant(participant_id="Ann"), participant(participant_id="ann")]
    session_id = await api.started({"sync_mode": "per_participant", "participants": people})
    path, key = f"/v1/sessions/{session_id}/participants", {"Idempotency-Key": str(uuid4())}
    answers = [
        await api.http.patch(f"{path}/{name}", json={"total_time_ms": 5_000}, headers=key)
        for name in ("Ann", "Ann", "ann")
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 422]


@pytest.mark.parametrize("field", ["next_participant_id", "current_participant_id"])
async def test_a_switch_refuses_a_bad_id(api: ApiClient, field: str) -> None:
    answer = await api.do(str(uuid4()), "switch", {field: "a\n"})
    assert details_of(answer) == {field: "must be 1 to 64 printable characters"}
