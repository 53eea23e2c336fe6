"""`Idempotency-Key` on requests that change no session: tokens and batches."""

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


def new_key() -> dict[str, str]:
    """Return a header with a new key."""
    return {"Idempotency-Key": str(uuid4())}


async def create_token(
    api: ApiClient, game_: AliceSession, body: dict[str, Any], headers: dict[str, str]
) -> httpx.Response:
    """`POST /v1/sessions/{id}/tokens`."""
    path = f"/v1/sessions/{game_.session_id}/tokens"
    return await api.http.post(path, json=body, headers=headers)


@pytest.mark.parametrize("role", ["cohost", "participant", "spectator"])
async def test_a_retry_gets_the_same_token(guarded: ApiClient, role: str) -> None:
    alice, headers = await create_session(guarded), new_key()
    body = {"role": role} | ({"participant_id": alice.on_move} if role == "participant" else {})
    first = await create_token(guarded, alice, body, headers)
    second = await create_token(guarded, alice, body, headers)
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json() == first.json()
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert second.headers["cache-control"] == "no-store"
    token = second.json()["data"]["token"]
    claims = jwt.decode(token, SECRET, algorithms=["HS256"])
    assert (claims["role"], claims["session_id"]) == (role, alice.session_id)


async def test_concurrent_retries_get_one_token(guarded: ApiClient) -> None:
    alice, headers = await create_session(guarded), new_key()
    body = {"role": "spectator"}
    answers = await asyncio.gather(*(create_token(guarded, alice, body, headers) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["data"]["token"] for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1


async def test_other_keys_and_no_key_get_new_tokens(guarded: ApiClient) -> None:
    alice = await create_session(guarded)
    headers_sent = [new_key(), new_key(), {}, {}]
    answers = [
        await create_token(guarded, alice, {"role": "spectator"}, headers)
        for headers in headers_sent
    ]
    assert len({answer.json()["data"]["token"] for answer in answers}) == 4
    assert not any("idempotent-replayed" in answer.headers for answer in answers)


async def test_a_key_is_refused_for_another_token_request(guarded: ApiClient) -> None:
    alice, headers = await create_session(guarded), new_key()
    await create_token(guarded, alice, {"role": "spectator"}, headers)
    other = await create_token(
        guarded, alice, {"role": "spectator", "lifetime_ms": 60_000}, headers
    )
    assert error_of(other) == (422, "IDEMPOTENCY_KEY_REUSED")


async def test_callers_do_not_share_keys(guarded: ApiClient) -> None:
    headers, body = new_key(), {"role": "spectator"}
    alice = await create_session(guarded)
    first = await create_token(guarded, alice, body, headers)
    guarded.http.headers.update(bearer(host("bob")))
    bob = await create_session(guarded)
    second = await create_token(guarded, bob, body, headers)
    assert second.status_code == 201
    assert second.json()["data"]["token"] != first.json()["data"]["token"]
    assert "idempotent-replayed" not in second.headers


@pytest.mark.parametrize("key", ["", "with space", "x" * 256])
async def test_a_malformed_key_creates_no_token(guarded: ApiClient, key: str) -> None:
    alice = await create_session(guarded)
    answer = await create_token(guarded, alice, {"role": "spectator"}, {"Idempotency-Key": key})
    assert error_of(answer) == (400, "VALIDATION_ERROR")


async def test_a_retried_batch_gets_the_first_answer(api: ApiClient, other: ApiClient) -> None:
    body = {"session_ids": [await api.started(chess()), str(uuid4())]}
    headers = new_key()
    first = await api.http.post("/v1/sessions/batch", json=body, headers=headers)
    await asyncio.sleep(0.01)
    second = await other.http.post("/v1/sessions/batch", json=body, headers=headers)
    assert (first.status_code, second.content) == (200, first.content)
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"


async def test_a_retried_batch_is_read_again_if_its_sessions_changed(api: ApiClient) -> None:
    session_id = await api.started(chess())
    body, headers = {"session_ids": [session_id]}, new_key()
    await api.http.post("/v1/sessions/batch", json=body, headers=headers)
    await api.do(session_id, "switch")
    again = await api.http.post("/v1/sessions/batch", json=body, headers=headers)
    assert again.json()["data"]["sessions"][0]["version"] == 3
    assert "idempotent-replayed" not in again.headers


async def test_a_key_is_refused_for_another_batch(api: ApiClient) -> None:
    headers = new_key()
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
