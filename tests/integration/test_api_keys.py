"""API keys over HTTP: a key is a caller like a token, until it is revoked or expires."""

import asyncio
import re
from typing import Any
from uuid import uuid4

import pytest
from pydantic import TypeAdapter
from synckairos import ApiError, SyncKairos

from shared.http.openapi import models
from tests.support import tokens
from tests.support.api import ApiClient, check_documented, chess
from tests.support.tokens import bearer

pytestmark = pytest.mark.http

PATH = "/v1/api-keys"
_new = TypeAdapter(models.NewApiKeyAnswer)
_list = TypeAdapter(models.ApiKeysAnswer)


@pytest.fixture
async def tenant(guarded: ApiClient) -> ApiClient:
    """A backend of a tenant of its own, so that tests see only their own keys."""
    guarded.http.headers.update(bearer(tokens.service(tenant=f"t{uuid4().hex}")))
    return guarded


async def create(api: ApiClient, headers: dict[str, str] | None = None, **more: Any) -> Any:
    """Create a key of a service; return the answer's data."""
    body = {"name": "Match server", "role": "service", **more}
    answer = await api.http.post(PATH, json=body, headers=headers)
    check_documented(answer, _new)
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


async def listed(api: ApiClient) -> Any:
    """Return the tenant's keys."""
    return check_documented(await api.http.get(PATH), _list).json()["data"]["api_keys"]


async def until_refused(api: ApiClient, key: str, path: str = "/v1/sessions") -> str:
    """Send requests with `key` until one is refused; return the message."""
    async with asyncio.timeout(30):
        while True:
            answer = await api.http.get(path, headers=bearer(key))
            if answer.status_code == 401:
                return str(check_documented(answer, None).json()["error"]["message"])
            assert answer.status_code == 200
            await asyncio.sleep(0.02)


async def test_a_key_creates_sessions_in_its_tenant_and_is_named_in_the_trail(
    tenant: ApiClient,
) -> None:
    created = await create(tenant)
    assert re.fullmatch("sk_synckairos_[0-9A-Za-z]{65}", created["key"])
    assert created["key"].startswith(created["prefix"])
    of_backend = tenant.http.headers["Authorization"]
    tenant.http.headers.update(bearer(created["key"]))
    session_id = await tenant.started(chess())
    tenant.http.headers["Authorization"] = of_backend
    assert (await tenant.session(session_id))["status"] == "running"
    async with asyncio.timeout(30):
        while not (events := await _events(tenant, session_id)):
            await asyncio.sleep(0.05)
    assert events[0]["actor"] == f"service:key:{created['key_id']}"


async def _events(api: ApiClient, session_id: str) -> list[dict[str, Any]]:
    answer = await api.http.get(f"/v1/sessions/{session_id}/events")
    return list(answer.json()["data"]["events"]) if answer.status_code == 200 else []


async def test_a_key_of_a_host_owns_the_sessions_of_its_subject(guarded: ApiClient) -> None:
    session_id = await guarded.created(chess())
    guarded.http.headers.update(bearer(tokens.service()))
    of_alice = await create(guarded, role="host", subject="alice")
    of_nobody = await create(guarded, role="host")
    path = f"/v1/sessions/{session_id}"
    for key, status in ((of_alice, 200), (of_nobody, 404)):
        answer = await guarded.http.get(path, headers=bearer(key["key"]))
        assert answer.status_code == status
        assert (await guarded.http.get(PATH, headers=bearer(key["key"]))).status_code == 403


async def test_a_list_shows_no_secret_and_when_a_key_was_used(tenant: ApiClient) -> None:
    unused, used = await create(tenant), await create(tenant, expires_at="2099-01-31T09:00:00Z")
    other = bearer(tokens.service(tenant="another"))
    assert (await tenant.http.get(PATH, headers=bearer(used["key"]))).status_code == 200
    first, second = await listed(tenant)
    assert {**first, "key": unused["key"]} == unused
    assert second.pop("last_used_at") >= used["created_at"]
    assert {**second, "key": used["key"]} == used
    assert second["expires_at"] == "2099-01-31T09:00:00.000Z"
    assert (await tenant.http.get(PATH, headers=other)).json()["data"] == {"api_keys": []}


async def test_a_revoked_key_is_refused_and_stays_in_the_list(tenant: ApiClient) -> None:
    key = await create(tenant)
    path = f"{PATH}/{key['key_id']}"
    elsewhere = await tenant.http.delete(path, headers=bearer(tokens.service(tenant="another")))
    assert elsewhere.status_code == 204
    assert (await tenant.http.get(PATH, headers=bearer(key["key"]))).status_code == 200
    for _ in range(2):
        assert check_documented(await tenant.http.delete(path), None).status_code == 204
    assert await until_refused(tenant, key["key"]) == "The API key was revoked"
    (shown,) = await listed(tenant)
    assert shown["revoked_at"] >= shown["created_at"]


async def test_a_retry_replaces_a_key_that_was_not_used(tenant: ApiClient) -> None:
    header = {"Idempotency-Key": str(uuid4())}
    first, second = await create(tenant, header), await create(tenant, header)
    assert first["key_id"] == second["key_id"]
    assert (await tenant.http.get(PATH, headers=bearer(second["key"]))).status_code == 200
    assert await until_refused(tenant, first["key"]) == "The API key doesn't exist"
    body = {"name": "Match server", "role": "service"}
    answer = check_documented(await tenant.http.post(PATH, json=body, headers=header), _new)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "CONFLICT")


async def test_the_request_key_of_a_refused_creation_can_be_used_again(tenant: ApiClient) -> None:
    header = {"Idempotency-Key": str(uuid4())}
    body = {"name": "Match server", "role": "service", "expires_at": "2020-01-31T09:00:00Z"}
    assert (await tenant.http.post(PATH, json=body, headers=header)).status_code == 400
    await create(tenant, header, expires_at="2099-01-31T09:00:00Z")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"role": "participant"}, "role"),
        ({"subject": "with space"}, "subject"),
        ({"expires_at": "2020-01-31T09:00:00Z"}, "expires_at"),
        ({"expires_at": "tomorrow"}, "expires_at"),
        ({"tenant": "another"}, "tenant"),
    ],
)
async def test_a_wrong_field_is_named(tenant: ApiClient, change: Any, field: str) -> None:
    body = {"name": "Match server", "role": "service", **change}
    answer = check_documented(await tenant.http.post(PATH, json=body), _new)
    assert answer.status_code == 400
    assert [one["field"] for one in answer.json()["error"]["details"]] == [field]


async def test_a_service_without_authentication_makes_no_keys(api: ApiClient) -> None:
    before = await listed(api)
    body = {"name": "Match server", "role": "service"}
    answer = check_documented(await api.http.post(PATH, json=body), _new)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "FORBIDDEN")
    assert await listed(api) == before


async def test_the_python_client_manages_keys_and_uses_one(guarded_url: str) -> None:
    token = tokens.service(tenant=f"t{uuid4().hex}")
    async with SyncKairos(guarded_url, token) as client:
        created = await client.api_keys.create("Match server", "host", subject="alice")
        async with SyncKairos(guarded_url, created["key"]) as with_key:
            session = await with_key.create(chess())
            issued = await session.create_token({"role": "spectator"})
            await session.revoke_token(issued["token_id"])
            await session.revoke_tokens()
        async with SyncKairos(guarded_url, issued["token"]) as revoked:
            with pytest.raises(ApiError) as refused:
                await revoked.session(session.id).open()
        assert refused.value.status == 401
        await client.api_keys.revoke(created["key_id"])
        (listed,) = await client.api_keys.list()
    assert (listed["subject"], "revoked_at" in listed, "key" in listed) == ("alice", True, False)
