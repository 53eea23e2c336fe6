"""What tokens let their bearers do, beyond the table of rights."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from tests.support import tokens
from tests.support.api import ApiClient, chess, error_of, forbidden_fields_of
from tests.support.callers import create_session
from tests.support.tokens import bearer

pytestmark = pytest.mark.http


async def test_a_participant_ends_its_own_cycle_once_however_often_it_taps(
    guarded: ApiClient,
) -> None:
    alice = await create_session(guarded)
    guarded.http.headers.update(bearer(tokens.participant(alice.session_id, alice.on_move)))
    first = await guarded.do(alice.session_id, "switch")
    second = await guarded.do(alice.session_id, "switch")
    assert first.json()["data"]["active_participant_id"] == alice.off_move
    assert second.json()["error"]["code"] == "CONFLICT"
    assert second.json()["error"]["details"] == {"active_participant_id": alice.off_move}


async def test_a_participant_can_speak_for_nobody_else(guarded: ApiClient) -> None:
    alice = await create_session(guarded)
    guarded.http.headers.update(bearer(tokens.participant(alice.session_id, alice.off_move)))
    answer = await guarded.do(alice.session_id, "switch", {"current_participant_id": alice.on_move})
    assert [*forbidden_fields_of(answer)] == ["current_participant_id"]
    assert (await guarded.session(alice.session_id))["version"] == 2


async def test_participants_stop_no_clock_unless_the_session_lets_them(guarded: ApiClient) -> None:
    body = chess()
    session_id = await guarded.started(body)
    player = body["participants"][0]["participant_id"]
    guarded.http.headers.update(bearer(tokens.participant(session_id, player)))
    assert (await guarded.do(session_id, "pause")).status_code == 403
    assert "participants_may_pause" not in await guarded.session(session_id)


async def test_an_issued_token_lets_a_participant_play_and_says_until_when(
    guarded: ApiClient,
) -> None:
    alice = await create_session(guarded)
    body = {"role": "participant", "participant_id": alice.on_move, "lifetime_ms": 5_000}
    issued = await guarded.http.post(f"/v1/sessions/{alice.session_id}/tokens", json=body)
    assert issued.status_code == 201
    assert issued.headers["cache-control"] == "no-store"
    guarded.http.headers.update(bearer(issued.json()["data"]["token"]))
    assert (await guarded.do(alice.session_id, "switch")).status_code == 200
    assert (await guarded.do(alice.session_id, "complete")).status_code == 403
    said = tokens.claims_of(issued.json()["data"]["token"])
    assert 4 < said["exp"] - said["iat"] <= 6
    assert issued.json()["data"]["expires_at"] == tokens.format_timestamp(said["exp"])


async def test_a_cohost_has_the_rights_of_the_host_in_one_session_only(guarded: ApiClient) -> None:
    alice = await create_session(guarded)
    other_id = await guarded.created(chess())
    path = f"/v1/sessions/{alice.session_id}"
    issued = await guarded.http.post(f"{path}/tokens", json={"role": "cohost"})
    guarded.http.headers.update(bearer(issued.json()["data"]["token"]))
    assert (await guarded.do(alice.session_id, "pause")).status_code == 200
    assert (await guarded.do(alice.session_id, "complete")).status_code == 200
    assert (await guarded.http.get(f"{path}/replay?version=1")).status_code == 200
    assert (await guarded.do(other_id, "start")).status_code == 404
    assert (await guarded.create(chess())).status_code == 403
    assert (await guarded.http.delete(path)).status_code == 204


@pytest.mark.parametrize("role", ["cohost", "spectator"])
async def test_no_token_of_a_cohost_outlives_its_own(guarded: ApiClient, role: str) -> None:
    alice = await create_session(guarded)
    own = tokens.cohost(alice.session_id, lifetime_s=600)
    guarded.http.headers.update(bearer(own))
    request = {"role": role, "lifetime_ms": 86_400_000}
    issued = await guarded.http.post(f"/v1/sessions/{alice.session_id}/tokens", json=request)
    assert issued.status_code == 201
    said = tokens.claims_of(issued.json()["data"]["token"])
    assert said["exp"] == int(tokens.claims_of(own)["exp"])


async def test_a_cohost_whose_token_has_just_expired_makes_no_tokens(guarded: ApiClient) -> None:
    alice = await create_session(guarded)
    guarded.http.headers.update(bearer(tokens.cohost(alice.session_id, lifetime_s=-5)))
    path = f"/v1/sessions/{alice.session_id}"
    assert (await guarded.http.get(path)).status_code == 200
    issued = await guarded.http.post(f"{path}/tokens", json={"role": "spectator"})
    assert error_of(issued) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"role": "participant"}, 400, "participant_id"),
        ({"role": "spectator", "participant_id": str(uuid4())}, 400, "participant_id"),
        ({"role": "host"}, 400, "role"),
        ({"role": "cohost", "participant_id": str(uuid4())}, 400, "participant_id"),
        ({"role": "spectator", "lifetime_ms": 86_400_001}, 400, "lifetime_ms"),
        ({"role": "participant", "participant_id": str(uuid4())}, 404, None),
    ],
)
async def test_no_token_is_issued_for_nobody_or_for_ever(
    guarded: ApiClient, body: dict[str, Any], status: int, field: str | None
) -> None:
    alice = await create_session(guarded)
    answer = await guarded.http.post(f"/v1/sessions/{alice.session_id}/tokens", json=body)
    assert answer.status_code == status
    details = answer.json()["error"].get("details", [])
    assert [detail["field"] for detail in details] == ([field] if field else [])


async def test_a_session_without_an_owner_is_no_host_s(guarded: ApiClient) -> None:
    guarded.http.headers.update(bearer(tokens.service()))
    session_id = await guarded.created(chess())
    guarded.http.headers.update(bearer(tokens.host("service")))
    assert (await guarded.get(session_id)).status_code == 404


async def test_a_key_that_another_caller_used_is_another_key(guarded: ApiClient) -> None:
    key = {"Idempotency-Key": str(uuid4())}
    first = await guarded.create(chess(), **key)
    guarded.http.headers.update(bearer(tokens.host("bob")))
    second = await guarded.create(chess(), **key)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["data"]["session_id"] != second.json()["data"]["session_id"]


async def test_no_two_callers_and_keys_are_taken_for_the_same(guarded: ApiClient) -> None:
    created = []
    for sub, key in (("carol", "b:c"), ("carol:b", "c")):
        guarded.http.headers.update(bearer(tokens.host(sub)))
        created.append(await guarded.create(chess(), **{"Idempotency-Key": key}))
    assert [answer.status_code for answer in created] == [201, 201]


async def test_the_trail_names_who_did_it(guarded: ApiClient) -> None:
    alice = await create_session(guarded)
    player = tokens.participant(alice.session_id, alice.on_move)
    path = f"/v1/sessions/{alice.session_id}"
    await guarded.http.post(f"{path}/switch", headers=bearer(player))
    actors: list[str] = []
    async with asyncio.timeout(30):
        while len(actors) < 3:
            events = (await guarded.http.get(f"{path}/events")).json()["data"]["events"]
            actors = [event["actor"] for event in events]
    assert actors == ["host:alice", "host:alice", f"participant:{alice.on_move}"]
