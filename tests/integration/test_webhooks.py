"""Webhooks over HTTP, received by a real server on this machine and verified independently."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from pydantic import TypeAdapter
from standardwebhooks import Webhook as Verifier
from synckairos import SyncKairos

from shared.http.openapi import models
from tests.support import tokens
from tests.support.api import ApiClient, check_documented, chess, participant
from tests.support.tokens import bearer
from tests.support.webhook_receiver import TIMEOUT_S, webhook_receiver

pytestmark = pytest.mark.http

_new = TypeAdapter(models.NewWebhookAnswer)
_list = TypeAdapter(models.WebhooksAnswer)
_delivery = TypeAdapter(models.DeliveryAnswer)
_deliveries = TypeAdapter(models.DeliveriesAnswer)

PATH = "/v1/webhooks"


@pytest.fixture
async def tenant(guarded: ApiClient) -> ApiClient:
    """A backend of a tenant of its own, so that tests see only their own webhooks."""
    guarded.http.headers.update(bearer(tokens.service(tenant=f"t{uuid4().hex}")))
    return guarded


async def create(api: ApiClient, url: str, *events: str) -> dict[str, Any]:
    """Create a webhook; return it with its secret."""
    body = {"url": url, "events": events or ["*"]}
    answer = check_documented(await api.http.post(PATH, json=body), _new)
    assert answer.status_code == 201, answer.text
    return dict(answer.json()["data"])


async def deliveries(api: ApiClient, webhook_id: str, count: int) -> list[dict[str, Any]]:
    """Wait until `count` attempts are listed, and return them."""
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            answer = await api.http.get(f"{PATH}/{webhook_id}/deliveries")
            found = check_documented(answer, _deliveries).json()["data"]["deliveries"]
            if len(found) >= count:
                return list(found)
            await asyncio.sleep(0.02)


async def test_each_event_of_a_session_arrives_signed_and_in_order(tenant: ApiClient) -> None:
    async with webhook_receiver() as receiver:
        webhook = await create(tenant, receiver.url)
        session_id = await tenant.started(chess())
        await tenant.do(session_id, "switch")
        await tenant.do(session_id, "complete")
        requests = await receiver.received(4)
    for request in requests:
        assert Verifier(webhook["secret"]).verify(request.body, request.headers) == request.json
    assert [request.headers["webhook-id"] for request in requests] == [
        f"{session_id}.{version}" for version in (1, 2, 3, 4)
    ]
    assert [request.json["type"] for request in requests] == [
        "session.created",
        "session.started",
        "cycle.switched",
        "session.completed",
    ]
    last = requests[-1].json["data"]
    assert last["state"]["status"] == "completed"
    assert (last["session_id"], last["version"], last["cause"]) == (
        session_id,
        4,
        "session_completed",
    )
    assert receiver.most_at_once == 1


async def test_an_expiry_is_sent_with_its_deadline_and_action(tenant: ApiClient) -> None:
    async with webhook_receiver() as receiver:
        await create(tenant, receiver.url, "time.expired")
        body = chess(participants=[participant(1_000), participant()])
        session_id = await tenant.started(
            {**body, "action_on_timeout": {"type": "end_session", "winner_by": "time"}}
        )
        (request,) = await receiver.received(1)
    data = request.json["data"]
    session = await tenant.session(session_id)
    first = body["participants"][0]["participant_id"]
    assert request.json["type"] == "time.expired"
    assert data["participant_id"] == first
    assert data["action_applied"]["type"] == "end_session"
    assert data["state"]["status"] == session["status"] == "expired"
    assert data["deadline_ms"] == data["state"]["server_time_ms"]


async def test_a_failed_delivery_is_shown_with_its_next_attempt(tenant: ApiClient) -> None:
    async with webhook_receiver([500]) as receiver:
        webhook = await create(tenant, receiver.url, "session.created")
        session_id = await tenant.created(chess())
        (failed,) = await deliveries(tenant, webhook["webhook_id"], 1)
    assert failed["message_id"] == f"{session_id}.1"
    assert (failed["event"], failed["attempt"], failed["outcome"], failed["status"]) == (
        "session.created",
        1,
        "failed",
        500,
    )
    assert failed["reason"] == "the receiver answered 500"
    assert failed["next_at"] > failed["at"]


async def test_a_failing_webhook_does_not_hold_up_another(tenant: ApiClient) -> None:
    async with webhook_receiver([302] * 9) as failing, webhook_receiver() as well:
        off = await create(tenant, failing.url)
        await create(tenant, well.url)
        await tenant.started(chess())
        assert len(await well.received(2)) == 2
        (redirected,) = await deliveries(tenant, off["webhook_id"], 1)
    assert redirected["reason"] == "redirects aren't followed"
    assert len(failing.requests) == 1


async def test_a_receiver_that_is_gone_switches_its_webhook_off(tenant: ApiClient) -> None:
    async with webhook_receiver([410]) as receiver:
        webhook = await create(tenant, receiver.url)
        session_id = await tenant.started(chess())
        (dead,) = await deliveries(tenant, webhook["webhook_id"], 1)
        await tenant.do(session_id, "switch")
        other = await create(tenant, receiver.url, "session.cancelled")
        await tenant.do(session_id, "cancel")
        await receiver.received(2)
    assert (dead["outcome"], dead["status"]) == ("dead", 410)
    answer = check_documented(await tenant.http.get(PATH), _list).json()["data"]["webhooks"]
    assert [(one["webhook_id"], one["is_on"]) for one in answer] == [
        (webhook["webhook_id"], False),
        (other["webhook_id"], True),
    ]
    assert answer[0]["off_reason"] == "the receiver answered 410"
    assert [request.json["type"] for request in receiver.requests] == [
        "session.created",
        "session.cancelled",
    ]


async def test_both_secrets_sign_after_a_rotation_and_none_is_shown_again(
    tenant: ApiClient,
) -> None:
    async with webhook_receiver() as receiver:
        webhook = await create(tenant, receiver.url)
        path = f"{PATH}/{webhook['webhook_id']}"
        rotated = check_documented(await tenant.http.post(f"{path}/rotate"), _new).json()["data"]
        answer = await tenant.http.post(f"{path}/test")
        tested = check_documented(answer, _delivery).json()["data"]
        (request,) = receiver.requests
    assert webhook["secret"] != rotated["secret"]
    for secret in (webhook["secret"], rotated["secret"]):
        assert Verifier(secret).verify(request.body, request.headers) == request.json
    assert request.json["type"] == tested["event"] == "webhook.test"
    assert (tested["outcome"], tested["status"]) == ("delivered", 204)
    assert await deliveries(tenant, webhook["webhook_id"], 1) == [tested]
    listed = await tenant.http.get(PATH)
    assert "whsec_" not in listed.text
    assert listed.json()["data"]["webhooks"][0]["webhook_id"] == webhook["webhook_id"]


async def test_a_deleted_webhook_gets_nothing_more(tenant: ApiClient) -> None:
    async with webhook_receiver() as deleted, webhook_receiver() as kept:
        webhook = await create(tenant, deleted.url)
        path = f"{PATH}/{webhook['webhook_id']}"
        for _ in range(2):
            assert check_documented(await tenant.http.delete(path), None).status_code == 204
        await create(tenant, kept.url)
        await tenant.created(chess())
        await kept.received(1)
    assert deleted.requests == []
    for gone in (
        await tenant.http.post(f"{path}/rotate"),
        await tenant.http.post(f"{path}/test"),
        await tenant.http.get(f"{path}/deliveries"),
    ):
        assert (gone.status_code, gone.json()["error"]["code"]) == (404, "NOT_FOUND")


async def test_a_tenant_has_at_most_ten_webhooks_and_sees_no_others(tenant: ApiClient) -> None:
    created = [await create(tenant, "http://127.0.0.1/") for _ in range(10)]
    body = {"url": "http://127.0.0.1/", "events": ["*"]}
    refused = check_documented(await tenant.http.post(PATH, json=body), _new)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "CONFLICT")
    other = bearer(tokens.service(tenant="another"))
    path = f"{PATH}/{created[0]['webhook_id']}/deliveries"
    assert (await tenant.http.get(path, headers=other)).status_code == 404
    assert (await tenant.http.get(PATH, headers=other)).json()["data"] == {"webhooks": []}


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"url": "ftp://example.com"}, "url", "invalid_url"),
        ({"url": "https://user@example.com"}, "url", "invalid_url"),
        ({"events": []}, "events", "too_short"),
        ({"events": ["time_expired"]}, "events.0", "invalid_enum"),
        ({"secret": "whsec_own"}, "secret", "unknown_field"),
    ],
)
async def test_wrong_fields_are_named(
    tenant: ApiClient, change: dict[str, Any], field: str, code: str
) -> None:
    body = {"url": "https://example.com", "events": ["*"], **change}
    answer = check_documented(await tenant.http.post(PATH, json=body), _new)
    assert answer.status_code == 400
    (error,) = answer.json()["error"]["details"]
    assert (error["field"], error["code"]) == (field, code)


async def test_the_key_of_a_refused_creation_can_be_used_again(tenant: ApiClient) -> None:
    key = {"Idempotency-Key": str(uuid4())}
    body = {"url": "ftp://example.com", "events": ["*"]}
    assert (await tenant.http.post(PATH, json=body, headers=key)).status_code == 400
    body["url"] = "https://example.com/webhooks"
    answer = check_documented(await tenant.http.post(PATH, json=body, headers=key), _new)
    assert answer.status_code == 201


async def test_the_key_of_a_refused_rotation_can_be_used_again(tenant: ApiClient) -> None:
    webhook = await create(tenant, "https://example.com/webhooks")
    key = {"Idempotency-Key": str(uuid4())}
    unknown = await tenant.http.post(f"{PATH}/{uuid4()}/rotate", headers=key)
    assert unknown.status_code == 404
    rotated = await tenant.http.post(f"{PATH}/{webhook['webhook_id']}/rotate", headers=key)
    assert check_documented(rotated, _new).status_code == 200


async def test_deliveries_come_in_pages(tenant: ApiClient) -> None:
    async with webhook_receiver() as receiver:
        webhook = await create(tenant, receiver.url)
        await tenant.started(chess())
        every = await deliveries(tenant, webhook["webhook_id"], 2)
    path = f"{PATH}/{webhook['webhook_id']}/deliveries"
    first = (await tenant.http.get(path, params={"limit": 1})).json()["data"]
    following = {"limit": 1, "after": first["next"]}
    second = (await tenant.http.get(path, params=following)).json()["data"]
    assert [*first["deliveries"], *second["deliveries"]] == every
    assert second["next"] is None
    wrong = await tenant.http.get(path, params={"after": "x"})
    assert check_documented(wrong, _deliveries).status_code == 400


async def test_a_retry_with_the_same_key_gets_the_same_webhook_and_secret(
    tenant: ApiClient,
) -> None:
    body, headers = {"url": "http://127.0.0.1/", "events": ["*"]}, {"Idempotency-Key": "k1"}
    first, again = [
        check_documented(await tenant.http.post(PATH, json=body, headers=headers), _new)
        for _ in range(2)
    ]
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert len((await tenant.http.get(PATH)).json()["data"]["webhooks"]) == 1
    path = f"{PATH}/{first.json()['data']['webhook_id']}/rotate"
    headers_of_rotation = {"Idempotency-Key": "k2"}
    rotated, retried = [await tenant.http.post(path, headers=headers_of_rotation) for _ in "12"]
    assert rotated.json() == retried.json()
    body["events"] = ["time.expired"]
    other = check_documented(await tenant.http.post(PATH, json=body, headers=headers), _new)
    assert (other.status_code, other.json()["error"]["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")


async def test_the_python_client_manages_webhooks(guarded_url: str) -> None:
    token = tokens.service(tenant="python-client")
    async with webhook_receiver([503]) as receiver, SyncKairos(guarded_url, token) as client:
        created = await client.webhooks.create(receiver.url, ["time.expired"])
        webhook_id = created["webhook_id"]
        rotated = await client.webhooks.rotate(webhook_id)
        tested = await client.webhooks.test(webhook_id)
        page = await client.webhooks.deliveries(webhook_id, limit=1)
        (listed,) = await client.webhooks.list()
        await client.webhooks.delete(webhook_id)
        assert await client.webhooks.list() == []
    assert {**listed, "secret": created.get("secret")} == created
    assert rotated.get("secret") != created.get("secret")
    assert (tested["outcome"], tested.get("status")) == ("dead", 503)
    assert page == {"deliveries": [tested], "next": None}
