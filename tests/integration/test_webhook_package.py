"""The npm package `standardwebhooks` verifies what the service signs."""

import json
import subprocess
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest

from infra.local.npm import is_node_installed, npm_install
from tests.clients.installing import BUNDLERS
from tests.conftest import missing
from tests.support import tokens
from tests.support.api import ApiClient, chess
from tests.support.tokens import bearer
from tests.support.webhook_receiver import ReceivedRequest, WebhookReceiver, webhook_receiver

pytestmark = pytest.mark.http


def verified(cases: Sequence[tuple[str, dict[str, str], bytes]]) -> list[Any]:
    """Verify bodies, each with a secret and header fields; None stands for a refused one."""
    if not is_node_installed():
        missing("Node")
    npm_install(BUNDLERS)
    given = [
        {"secret": secret, "headers": headers, "body": body.decode()}
        for secret, headers, body in cases
    ]
    command = ["node", "verify-webhooks.mjs"]
    ran = subprocess.run(
        command, cwd=BUNDLERS, input=json.dumps(given), capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return list(json.loads(ran.stdout))


def changed(request: ReceivedRequest, field: str, value: str) -> dict[str, str]:
    """Return the header fields of a request with another value of one field."""
    assert request.headers[field] != value
    return {**request.headers, field: value}


async def arrived_test_event(receiver: WebhookReceiver) -> ReceivedRequest:
    """Wait for the test event; an event before may be delivered twice."""
    count = 1
    while (last := (await receiver.received(count))[-1]).json["type"] != "webhook.test":
        count += 1
    return last


async def test_the_package_accepts_signed_events_and_refuses_all_others(guarded: ApiClient) -> None:
    guarded.http.headers.update(bearer(tokens.service(tenant=f"t{uuid4().hex}")))
    async with webhook_receiver() as receiver:
        body = {"url": receiver.url, "events": ["session.created"]}
        webhook = (await guarded.http.post("/v1/webhooks", json=body)).json()["data"]
        await guarded.created(chess(metadata={"name": "Zoë"}))
        (event,) = await receiver.received(1)
        path = f"/v1/webhooks/{webhook['webhook_id']}"
        rotated = (await guarded.http.post(f"{path}/rotate")).json()["data"]
        await guarded.http.post(f"{path}/test")
        later = await arrived_test_event(receiver)
    old, new = webhook["secret"], rotated["secret"]
    one_later = str(int(event.headers["webhook-timestamp"]) + 1)
    valid = [(old, event.headers, event.body), (old, later.headers, later.body)]
    valid += [(new, later.headers, later.body)]
    refused = [
        (old, event.headers, event.body.replace("Zoë".encode(), b"Zoe")),
        (old, changed(event, "webhook-timestamp", one_later), event.body),
        (old, changed(event, "webhook-id", later.headers["webhook-id"]), event.body),
        (old, changed(event, "webhook-signature", later.headers["webhook-signature"]), event.body),
        (new, event.headers, event.body),
    ]
    answers = verified([*valid, *refused])
    assert answers == [event.json, later.json, later.json, *[None] * len(refused)]
