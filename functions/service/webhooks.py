"""`/v1/webhooks`: the webhooks of a tenant, their secrets, tests and deliveries."""

from typing import Any
from uuid import uuid4

import msgspec
from starlette.responses import Response

from shared.application.authorization import Operation
from shared.application.ports.webhooks import Attempt, Webhook
from shared.application.session_view import timestamp
from shared.application.webhook_signing import new_secret
from shared.http.conditional_changes import remember_first_attempt
from shared.http.rendering import json_response, replay_headers
from shared.http.request import ApiRequest
from shared.http.routing import (
    CONFLICT_ERRORS,
    IDEMPOTENCY_KEY,
    READ_ERRORS,
    WEBHOOK_SECRET_ERRORS,
    ResponseSpec,
    Routes,
)
from shared.http.webhook_bodies import DeliveriesQuery, WebhookBody
from shared.serverless.http_function import make_http_function

routes = Routes("webhooks")

_PATH = "/v1/webhooks"
_ONE = f"{_PATH}/{{webhook_id}}"


@routes.post(
    _PATH,
    ResponseSpec(201, "NewWebhookAnswer", "The webhook, with its secret", WEBHOOK_SECRET_ERRORS),
    requires=Operation.MANAGE_WEBHOOKS,
    takes=WebhookBody,
    parameters=(IDEMPOTENCY_KEY,),
)
async def create_webhook(request: ApiRequest, body: WebhookBody) -> Response:
    """Send the events of the tenant's sessions to a URL, signed by Standard Webhooks.

    The secret is shown only in this answer. A tenant has at most 10 webhooks. A retry with the same
    `Idempotency-Key` gets the same webhook.
    """
    request.components.webhooks.check(body.url)
    facts = {"webhook_id": str(uuid4()), "secret": new_secret()}
    facts, is_replayed = await _remember(request, facts)
    webhook = await request.components.webhooks.create(
        _tenant(request), body.url, body.event_names, facts["webhook_id"], facts["secret"]
    )
    return _with_secret(webhook, facts["secret"], is_replayed, 201)


@routes.get(
    _PATH,
    ResponseSpec(200, "WebhooksAnswer", "The webhooks, without secrets", READ_ERRORS),
    requires=Operation.MANAGE_WEBHOOKS,
)
async def list_webhooks(request: ApiRequest) -> Response:
    """Return the webhooks of the tenant, the oldest first."""
    found = await request.components.webhooks.all(_tenant(request))
    return json_response({"webhooks": list(map(_view, found))})


@routes.delete(
    _ONE,
    ResponseSpec(204, None, "The webhook doesn't exist any more", CONFLICT_ERRORS),
    requires=Operation.MANAGE_WEBHOOKS,
)
async def delete_webhook(request: ApiRequest) -> Response:
    """Delete the webhook, and what waits for it; deleting one that doesn't exist also succeeds."""
    await request.components.webhooks.delete(_tenant(request), request.webhook_id)
    return Response(status_code=204)


@routes.post(
    f"{_ONE}/rotate",
    ResponseSpec(200, "NewWebhookAnswer", "The webhook, with its secret", WEBHOOK_SECRET_ERRORS),
    requires=Operation.MANAGE_WEBHOOKS,
    parameters=(IDEMPOTENCY_KEY,),
)
async def rotate_webhook_secret(request: ApiRequest) -> Response:
    """Give the webhook a new secret, shown only in this answer.

    For 24 h, deliveries are signed with the old secret too. A retry with the same
    `Idempotency-Key` gets the same secret.
    """
    await request.components.webhooks.find(_tenant(request), request.webhook_id)
    facts, is_replayed = await _remember(request, {"secret": new_secret()})
    webhook = await request.components.webhooks.rotate(
        _tenant(request), request.webhook_id, facts["secret"]
    )
    return _with_secret(webhook, facts["secret"], is_replayed, 200)


@routes.post(
    f"{_ONE}/test",
    ResponseSpec(200, "DeliveryAnswer", "What the receiver answered", CONFLICT_ERRORS),
    requires=Operation.MANAGE_WEBHOOKS,
)
async def test_webhook(request: ApiRequest) -> Response:
    """Send the event `webhook.test` to the webhook now, once."""
    attempt = await request.components.webhooks.test(_tenant(request), request.webhook_id)
    return json_response(_delivery(attempt))


@routes.get(
    f"{_ONE}/deliveries",
    ResponseSpec(200, "DeliveriesAnswer", "A page of the deliveries", READ_ERRORS),
    requires=Operation.MANAGE_WEBHOOKS,
    takes=DeliveriesQuery,
)
async def list_deliveries(request: ApiRequest, query: DeliveriesQuery) -> Response:
    """Return the latest attempts to deliver events to the webhook, oldest first.

    They are kept for a week, at most about 1 000 for each shard of the store.
    """
    page, following = await request.components.webhooks.deliveries(
        _tenant(request), request.webhook_id, query.after, query.limit
    )
    return json_response({"deliveries": list(map(_delivery, page)), "next": following})


async def _remember(request: ApiRequest, facts: dict[str, str]) -> tuple[dict[str, str], bool]:
    """Return the facts of the first request with this key, and whether this is a retry."""
    scope = f"webhooks:{_tenant(request) or ''}"
    return await remember_first_attempt(request, scope, facts)


def _with_secret(webhook: Webhook, secret: str, is_replayed: bool, status: int) -> Response:
    shown = {**_view(webhook), "secret": secret}
    return json_response(shown, replay_headers(is_replayed), status)


def _tenant(request: ApiRequest) -> str | None:
    return request.authorization.caller.tenant


def _view(webhook: Webhook) -> dict[str, Any]:
    view: dict[str, Any] = {
        "webhook_id": webhook.webhook_id,
        "url": webhook.url,
        "events": webhook.events,
        "created_at": timestamp(webhook.created_at),
        "is_on": webhook.off_reason is None,
    }
    return view if webhook.off_reason is None else {**view, "off_reason": webhook.off_reason}


def _delivery(attempt: Attempt) -> dict[str, Any]:
    instants = {"at": timestamp(attempt.at), "next_at": timestamp(attempt.next_at)}
    view = {**msgspec.structs.asdict(attempt), **instants}
    return {name: value for name, value in view.items() if value is not None}


handler = make_http_function(routes)
