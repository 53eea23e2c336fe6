"""A session followed through Supabase Realtime, by the clients that Supabase publishes."""

from typing import Any
from uuid import uuid4

import pytest

from tests.integration.realtime.clients import HEARING, following
from tests.support import tokens
from tests.support.api import ApiClient, chess, participant
from tests.support.tokens import bearer

pytestmark = [pytest.mark.http, pytest.mark.parametrize("kind", HEARING)]

_LOSER_S_TIME_MS = 1_500


async def _subscription(
    api: ApiClient, session_id: str, token: str | None = None
) -> dict[str, Any]:
    path = f"/v1/sessions/{session_id}/realtime"
    answer = await api.http.get(path, headers=bearer(token) if token else None)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["data"]
    assert found["transport"] == "supabase"
    return found


def _short_game() -> dict[str, Any]:
    return chess(
        participants=[participant(_LOSER_S_TIME_MS), participant()],
        warn_at_ms=[1_000],
        action_on_timeout={"type": "end_session", "winner_by": "time"},
    )


async def test_whatever_happens_is_pushed(pushing: ApiClient, kind: str) -> None:
    body = _short_game() | {"session_id": str(uuid4())}
    session_id = body["session_id"]
    found = await _subscription(pushing, session_id, tokens.spectator(session_id))
    async with following(kind, found) as client:
        await pushing.created(body)
        created = await client.message("STATE_UPDATE")
        assert (created["sessionId"], created["state"]["version"]) == (session_id, 1)
        await pushing.do(session_id, "start")
        assert (await client.message("STATE_UPDATE"))["cause"] == "session_started"
        warning = await client.message("TIME_WARNING")
        assert warning["threshold_ms"] == 1_000
        expired = await client.message("TIME_EXPIRED")
        assert expired["participant_id"] == body["participants"][0]["participant_id"]
        over = await client.message("STATE_UPDATE")
        assert (over["state"]["status"], over["state"]["version"]) == ("expired", 3)
        await pushing.delete(session_id)
        assert (await client.message("SESSION_DELETED"))["sessionId"] == session_id


async def test_one_follows_one_s_own_tenant_s_session(pushing: ApiClient, kind: str) -> None:
    body = chess(session_id=str(uuid4()))
    ours, theirs = tokens.service(tenant="ours"), tokens.service(tenant="theirs")
    for token in (ours, theirs):
        answer = await pushing.http.post("/v1/sessions", json=body, headers=bearer(token))
        assert answer.status_code == 201
    found = await _subscription(pushing, body["session_id"], ours)
    async with following(kind, found) as client:
        path = f"/v1/sessions/{body['session_id']}"
        for token, verb in ((theirs, "cancel"), (ours, "start")):
            answer = await pushing.http.post(f"{path}/{verb}", headers=bearer(token))
            assert answer.status_code == 200
        assert (await client.version(2))["state"]["status"] == "running"


async def test_a_fresh_token_from_the_service_carries_on(pushing: ApiClient, kind: str) -> None:
    session_id = await pushing.started(chess())
    found = await _subscription(pushing, session_id)
    async with following(kind, found) as client:
        soon = tokens.spectator(session_id, lifetime_s=120)
        await client.set_auth((await _subscription(pushing, session_id, soon))["token"])
        await pushing.do(session_id, "pause")
        assert (await client.version(3))["state"]["status"] == "paused"
