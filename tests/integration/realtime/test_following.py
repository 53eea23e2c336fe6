"""Supabase's own clients follow a session of the service through Supabase Realtime."""

from typing import Any
from uuid import uuid4

import pytest

from tests.integration.realtime.clients import PUSH_CLIENTS, subscribed
from tests.support import tokens
from tests.support.api import ApiClient, chess, participant
from tests.support.tokens import bearer

pytestmark = [pytest.mark.http, pytest.mark.parametrize("kind", PUSH_CLIENTS)]

_TIME_OF_LOSER_MS = 1_500


async def _subscription(
    api: ApiClient, session_id: str, token: str | None = None
) -> dict[str, Any]:
    path = f"/v1/sessions/{session_id}/realtime"
    answer = await api.http.get(path, headers=bearer(token) if token else None)
    assert answer.status_code == 200, answer.text
    subscription: dict[str, Any] = answer.json()["data"]
    assert subscription["transport"] == "supabase"
    return subscription


def _short_game() -> dict[str, Any]:
    return chess(
        participants=[participant(_TIME_OF_LOSER_MS), participant()],
        warn_at_ms=[1_000],
        action_on_timeout={"type": "end_session", "winner_by": "time"},
    )


async def test_every_change_of_a_session_is_pushed(pushing_api: ApiClient, kind: str) -> None:
    body = _short_game() | {"session_id": str(uuid4())}
    session_id = body["session_id"]
    subscription = await _subscription(pushing_api, session_id, tokens.spectator(session_id))
    async with subscribed(kind, subscription) as client:
        await pushing_api.created(body)
        created = await client.next_message("STATE_UPDATE")
        assert (created["sessionId"], created["state"]["version"]) == (session_id, 1)
        await pushing_api.do(session_id, "start")
        assert (await client.next_message("STATE_UPDATE"))["cause"] == "session_started"
        warning = await client.next_message("TIME_WARNING")
        assert warning["threshold_ms"] == 1_000
        expired = await client.next_message("TIME_EXPIRED")
        assert expired["participant_id"] == body["participants"][0]["participant_id"]
        over = await client.next_message("STATE_UPDATE")
        assert (over["state"]["status"], over["state"]["version"]) == ("expired", 3)
        await pushing_api.delete(session_id)
        assert (await client.next_message("SESSION_DELETED"))["sessionId"] == session_id


async def test_a_client_receives_only_its_own_tenant_s_session(
    pushing_api: ApiClient, kind: str
) -> None:
    body = chess(session_id=str(uuid4()))
    ours, theirs = tokens.service(tenant="ours"), tokens.service(tenant="theirs")
    for token in (ours, theirs):
        answer = await pushing_api.http.post("/v1/sessions", json=body, headers=bearer(token))
        assert answer.status_code == 201
    subscription = await _subscription(pushing_api, body["session_id"], ours)
    async with subscribed(kind, subscription) as client:
        path = f"/v1/sessions/{body['session_id']}"
        for token, verb in ((theirs, "cancel"), (ours, "start")):
            answer = await pushing_api.http.post(f"{path}/{verb}", headers=bearer(token))
            assert answer.status_code == 200
        assert (await client.message_of_version(2))["state"]["status"] == "running"


async def test_a_renewed_token_continues_the_subscription(
    pushing_api: ApiClient, kind: str
) -> None:
    session_id = await pushing_api.started(chess())
    subscription = await _subscription(pushing_api, session_id)
    async with subscribed(kind, subscription) as client:
        short_lived = tokens.spectator(session_id, lifetime_s=120)
        await client.set_auth((await _subscription(pushing_api, session_id, short_lived))["token"])
        await pushing_api.do(session_id, "pause")
        assert (await client.message_of_version(3))["state"]["status"] == "paused"
