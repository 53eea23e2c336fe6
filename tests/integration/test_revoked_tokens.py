"""Revoked tokens are refused by every endpoint; `test_revoked_connections.py` has live ones."""

from typing import Any

import pytest
from pydantic import TypeAdapter

from shared.http.openapi import models
from tests.support import tokens
from tests.support.api import ApiClient, check_documented
from tests.support.callers import AliceSession, create_session
from tests.support.tokens import bearer

pytestmark = pytest.mark.http

_token = TypeAdapter(models.TokenAnswer)


async def issued(api: ApiClient, alice: AliceSession, **body: Any) -> dict[str, str]:
    """Issue a token, of a participant by default; return the answer's data."""
    body = body or {"role": "participant", "participant_id": alice.on_move}
    answer = await api.http.post(f"/v1/sessions/{alice.session_id}/tokens", json=body)
    assert check_documented(answer, _token).status_code == 201
    return dict(answer.json()["data"])


async def revoke(api: ApiClient, session_id: str, token_id: str | None = None) -> None:
    """Revoke one token of the session, or all."""
    one = f"/{token_id}" if token_id else ""
    answer = await api.http.delete(f"/v1/sessions/{session_id}/tokens{one}")
    assert check_documented(answer, None).status_code == 204, answer.text


async def status(api: ApiClient, token: str, method: str, path: str, body: Any = None) -> int:
    """Send a request with `token`; return the status."""
    answer = await api.http.request(method, path, json=body, headers=bearer(token))
    if answer.status_code == 401:
        error = check_documented(answer, None).json()["error"]
        assert (error["code"], error["message"]) == ("UNAUTHENTICATED", "The token was revoked")
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    return answer.status_code


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("GET", "/summary", None),
        ("GET", "/realtime", None),
        ("GET", "/events", None),
        ("GET", "/replay?version=1", None),
        ("POST", "/switch", {}),
        ("POST", "/tokens", {"role": "spectator"}),
        ("DELETE", "", None),
    ],
)
async def test_a_revoked_token_is_refused_everywhere(
    guarded: ApiClient, method: str, path: str, body: Any
) -> None:
    alice = await create_session(guarded)
    cohost = await issued(guarded, alice, role="cohost")
    await revoke(guarded, alice.session_id, cohost["token_id"])
    address = f"/v1/sessions/{alice.session_id}{path}"
    assert await status(guarded, cohost["token"], method, address, body) == 401
    assert (await guarded.session(alice.session_id))["status"] == "running"


async def test_one_token_is_revoked_and_all_others_stay_valid(guarded: ApiClient) -> None:
    alice = await create_session(guarded)
    first, second = await issued(guarded, alice), await issued(guarded, alice)
    path = f"/v1/sessions/{alice.session_id}"
    await revoke(guarded, alice.session_id, first["token_id"])
    batch = {"session_ids": [alice.session_id]}
    assert await status(guarded, first["token"], "GET", path) == 401
    assert await status(guarded, first["token"], "POST", "/v1/sessions/batch", batch) == 401
    assert await status(guarded, second["token"], "GET", path) == 200
    assert await status(guarded, second["token"], "POST", "/v1/sessions/batch", batch) == 200


async def test_all_tokens_of_a_session_are_revoked_and_new_ones_are_valid(
    guarded: ApiClient,
) -> None:
    alice, other = await create_session(guarded), await create_session(guarded)
    path = f"/v1/sessions/{alice.session_id}"
    old, elsewhere = await issued(guarded, alice), await issued(guarded, other)
    of_backend = tokens.spectator(alice.session_id)
    assert await status(guarded, of_backend, "GET", path) == 200
    await revoke(guarded, alice.session_id)
    new = await issued(guarded, alice)
    assert await status(guarded, old["token"], "GET", path) == 401
    assert await status(guarded, of_backend, "GET", path) == 401
    assert await status(guarded, new["token"], "GET", path) == 200
    assert await status(guarded, tokens.host(), "GET", path) == 200
    other_path = f"/v1/sessions/{other.session_id}"
    assert await status(guarded, elsewhere["token"], "GET", other_path) == 200
    await revoke(guarded, alice.session_id)
    assert await status(guarded, new["token"], "GET", path) == 401


async def test_a_retry_of_a_request_for_a_token_gets_the_same_one(guarded: ApiClient) -> None:
    alice = await create_session(guarded)
    path, key = f"/v1/sessions/{alice.session_id}/tokens", {"Idempotency-Key": alice.session_id}
    first, again = [
        await guarded.http.post(path, json={"role": "spectator"}, headers=key) for _ in range(2)
    ]
    assert first.json() == again.json()
    assert (
        tokens.claims_of(first.json()["data"]["token"])["jti"] == first.json()["data"]["token_id"]
    )


@pytest.mark.parametrize("token_id", ["a%20b", "x" * 65, "%2f"])
async def test_an_impossible_token_id_is_refused(guarded: ApiClient, token_id: str) -> None:
    alice = await create_session(guarded)
    answer = await guarded.http.delete(f"/v1/sessions/{alice.session_id}/tokens/{token_id}")
    assert check_documented(answer, None).status_code in (400, 404)
