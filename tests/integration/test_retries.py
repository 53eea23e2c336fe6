"""`Idempotency-Key` on requests that change no session: tokens and batches (API §2, Headers)."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest

from tests.support.api import ApiClient, chess, error_of
from tests.support.callers import AliceSession, create_session
from tests.support.tokens import SECRET, bearer, host

pytestmark = pytest.mark.http


def key() -> dict[str, str]:
    """The header of a fresh key."""
    return {"Idempotency-Key": str(uuid4())}


async def mint(
    api: ApiClient, of: AliceSession, body: dict[str, Any], headers: dict[str, str]
) -> httpx.Response:
    """`POST /v1/sessions/{id}/tokens`."""
    path = f"/v1/sessions/{of.session_id}/tokens"
    return await api.http.post(path, json=body, headers=headers)


@pytest.mark.parametrize("role", ["participant", "spectator"])
async def test_a_retry_gets_the_same_token(guarded: ApiClient, role: str) -> None:
    alice, headers = await create_session(guarded), key()
    body = {"role": role} | ({"participant_id": alice.on_move} if role == "participant" else {})
    first = await mint(guarded, alice, body, headers)
    await asyncio.sleep(1.1)  # a token that was made anew would end a second later
    second = await mint(guarded, alice, body, headers)
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json() == first.json()
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert second.headers["cache-control"] == "no-store"
    token = second.json()["data"]["token"]
    claims = jwt.decode(token, SECRET, algorithms=["HS256"])
    assert (claims["role"], claims["session_id"]) == (role, alice.session_id)


async def test_tries_that_arrive_at_once_get_one_token(guarded: ApiClient) -> None:
    alice, headers = await create_session(guarded), key()
    body = {"role": "spectator"}
    answers = await asyncio.gather(*(mint(guarded, alice, body, headers) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["data"]["token"] for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1


async def test_other_keys_and_no_key_get_tokens_of_their_own(guarded: ApiClient) -> None:
    alice = await create_session(guarded)
    given = [key(), key(), {}, {}]
    answers = [await mint(guarded, alice, {"role": "spectator"}, headers) for headers in given]
    assert len({answer.json()["data"]["token"] for answer in answers}) == 4
    assert not any("idempotent-replayed" in answer.headers for answer in answers)


async def test_a_key_of_a_token_belongs_to_its_body(guarded: ApiClient) -> None:
    alice, headers = await create_session(guarded), key()
    await mint(guarded, alice, {"role": "spectator"}, headers)
    other = await mint(guarded, alice, {"role": "spectator", "lifetime_ms": 60_000}, headers)
    assert error_of(other) == (422, "IDEMPOTENCY_KEY_REUSED")


async def test_a_key_is_its_callers_own(guarded: ApiClient) -> None:
    headers, body = key(), {"role": "spectator"}
    alice = await create_session(guarded)
    first = await mint(guarded, alice, body, headers)
    guarded.http.headers.update(bearer(host("bob")))
    bob = await create_session(guarded)
    second = await mint(guarded, bob, body, headers)
    assert second.status_code == 201
    assert second.json()["data"]["token"] != first.json()["data"]["token"]
    assert "idempotent-replayed" not in second.headers


@pytest.mark.parametrize("given", ["", "with space", "x" * 256])
async def test_a_malformed_key_makes_no_token(guarded: ApiClient, given: str) -> None:
    alice = await create_session(guarded)
    answer = await mint(guarded, alice, {"role": "spectator"}, {"Idempotency-Key": given})
    assert error_of(answer) == (400, "VALIDATION_ERROR")


async def test_a_retried_batch_gets_the_first_answer(api: ApiClient, other: ApiClient) -> None:
    body = {"session_ids": [await api.started(chess()), str(uuid4())]}
    headers = key()
    first = await api.http.post("/v1/sessions/batch", json=body, headers=headers)
    await asyncio.sleep(0.01)
    second = await other.http.post("/v1/sessions/batch", json=body, headers=headers)
    assert (first.status_code, second.content) == (200, first.content)
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"


async def test_a_batch_whose_sessions_have_changed_is_read_anew_and_says_so(api: ApiClient) -> None:
    session_id = await api.started(chess())
    body, headers = {"session_ids": [session_id]}, key()
    await api.http.post("/v1/sessions/batch", json=body, headers=headers)
    await api.do(session_id, "switch")
    again = await api.http.post("/v1/sessions/batch", json=body, headers=headers)
    assert again.json()["data"]["sessions"][0]["version"] == 3
    assert "idempotent-replayed" not in again.headers


async def test_a_key_of_a_batch_belongs_to_its_body(api: ApiClient) -> None:
    headers = key()
    one, two = ({"session_ids": [str(uuid4())]} for _ in range(2))
    await api.http.post("/v1/sessions/batch", json=one, headers=headers)
    answer = await api.http.post("/v1/sessions/batch", json=two, headers=headers)
    assert error_of(answer) == (422, "IDEMPOTENCY_KEY_REUSED")


async def test_a_malformed_key_of_a_batch_is_refused(api: ApiClient) -> None:
    body = {"session_ids": [str(uuid4())]}
    answer = await api.http.post(
        "/v1/sessions/batch", json=body, headers={"Idempotency-Key": "with space"}
    )
    assert error_of(answer) == (400, "VALIDATION_ERROR")
