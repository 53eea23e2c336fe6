"""`GET .../realtime` names the transport, the address and the token to follow a session with."""

import json
import time
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from websockets.asyncio.client import connect

from infra.local.postgres import EmbeddedPostgres
from infra.local.realtime import local_realtime
from infra.local.redis import embedded_redis
from infra.local.supabase import PUBLISHABLE_KEY, LocalSupabase
from tests.integration.realtime.clients import subscribed
from tests.support import tokens
from tests.support.api import ApiClient, api_client, chess, participant
from tests.support.target import IS_FUNCTIONS, running_service
from tests.support.tokens import WITH_AUTHENTICATION, bearer

pytestmark = pytest.mark.http

_PRIVATE = ec.generate_private_key(ec.SECP256R1())
_SIGNING_KEY = json.dumps(ECAlgorithm.to_jwk(_PRIVATE, as_dict=True) | {"kid": "ours"})
_PUBLIC_KEY = ECAlgorithm.to_jwk(_PRIVATE.public_key(), as_dict=True) | {"kid": "ours"}
_MAX_LIFETIME_S = 600


@pytest.fixture(scope="module")
def supabase_service_url(postgres: EmbeddedPostgres, supabase: LocalSupabase) -> Iterator[str]:
    """The URL of a service with a signing key that its Supabase project has imported."""
    keys = [_PUBLIC_KEY]
    with (
        local_realtime(postgres.url, signing_keys=keys, upstream=supabase.url) as project,
        embedded_redis() as redis_url,
    ):
        settings = project.settings() | {"SUPABASE_SIGNING_KEY": _SIGNING_KEY}
        del settings["SUPABASE_JWT_SECRET"]
        with running_service(redis_url, **WITH_AUTHENTICATION, **settings) as url:
            yield url


@pytest.fixture
async def supabase_api(supabase_service_url: str) -> AsyncIterator[ApiClient]:
    """A client of that service, with Alice's token."""
    async with api_client(supabase_service_url, tokens.host(), timeout=20) as api:
        yield api


async def _subscription(
    api: ApiClient, session_id: str, token: str | None = None
) -> dict[str, Any]:
    headers = bearer(token) if token else None
    answer = await api.http.get(f"/v1/sessions/{session_id}/realtime", headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    found: dict[str, Any] = answer.json()["data"]
    return found


def _claims(token: str) -> dict[str, Any]:
    read: dict[str, Any] = jwt.decode(token, _PRIVATE.public_key(), algorithms=["ES256"])
    return read


async def test_the_answer_names_supabase_with_a_token_for_this_session_only(
    supabase_api: ApiClient,
) -> None:
    session_id = await supabase_api.created(chess())
    found = await _subscription(supabase_api, session_id)
    assert found["transport"] == "supabase"
    assert found["key"] == PUBLISHABLE_KEY
    assert found["topic"] == f"session:{session_id}"
    assert jwt.get_unverified_header(found["token"])["kid"] == "ours"
    claims = _claims(found["token"])
    assert claims.keys() == {"role", "iat", "exp", "sync_session", "sync_role"}
    assert (claims["role"], claims["sync_session"]) == ("authenticated", session_id)
    assert 0 < claims["exp"] - time.time() <= _MAX_LIFETIME_S
    assert datetime.fromisoformat(found["expires_at"]).timestamp() == claims["exp"]


async def test_supabase_accepts_a_token_of_the_signing_key(supabase_api: ApiClient) -> None:
    session_id = await supabase_api.created(chess())
    async with subscribed("python", await _subscription(supabase_api, session_id)) as client:
        await supabase_api.do(session_id, "start")
        assert (await client.message_of_version(2))["state"]["status"] == "running"


async def test_a_tenant_s_topic_and_token_name_the_tenant(supabase_api: ApiClient) -> None:
    headers = bearer(tokens.host(tenant="acme"))
    answer = await supabase_api.http.post("/v1/sessions", json=chess(), headers=headers)
    session_id = answer.json()["data"]["session_id"]
    found = await _subscription(supabase_api, session_id, tokens.host(tenant="acme"))
    assert found["topic"] == f"session:acme:{session_id}"
    assert _claims(found["token"])["sync_session"] == f"acme:{session_id}"


async def test_the_token_expires_no_later_than_the_caller_s(supabase_api: ApiClient) -> None:
    session_id = await supabase_api.created(chess())
    ends_s = int(time.time()) + 60
    found = await _subscription(supabase_api, session_id, tokens.host(exp=ends_s))
    assert _claims(found["token"])["exp"] == ends_s


async def test_the_api_refuses_a_realtime_token(supabase_api: ApiClient) -> None:
    session_id = await supabase_api.created(chess())
    found = await _subscription(supabase_api, session_id)
    path = f"/v1/sessions/{session_id}"
    answer = await supabase_api.http.get(path, headers=bearer(found["token"]))
    assert answer.status_code == 401


async def test_spectators_and_backends_can_follow_a_session_before_its_creation(
    supabase_api: ApiClient,
) -> None:
    session_id = str(uuid4())
    for token in (tokens.spectator(session_id), tokens.service()):
        found = await _subscription(supabase_api, session_id, token)
        assert found["topic"] == f"session:{session_id}"
    as_host = await supabase_api.http.get(f"/v1/sessions/{session_id}/realtime")
    assert as_host.status_code == 404


async def test_a_deleted_session_cannot_be_followed(guarded: ApiClient) -> None:
    session_id = await guarded.created(chess())
    await guarded.http.delete(f"/v1/sessions/{session_id}")
    for token in (tokens.host(), tokens.spectator(session_id), tokens.service()):
        path = f"/v1/sessions/{session_id}/realtime"
        assert (await guarded.http.get(path, headers=bearer(token))).status_code == 404


async def test_without_supabase_the_transport_is_websocket_or_polling(guarded: ApiClient) -> None:
    session_id = await guarded.created(chess())
    found = await _subscription(guarded, session_id)
    if IS_FUNCTIONS:
        url = f"{guarded.http.base_url}/v1/sessions/{session_id}"
        assert found == {"transport": "polling", "url": url}
        return
    assert found["transport"] == "websocket"
    assert tokens.claims_of(found["token"])["session_id"] == session_id
    address = f"{found['url']}&{urlencode({'token': found['token'], 'sync': '1'})}"
    async with connect(address) as socket:
        messages = [json.loads(await socket.recv()) for _ in range(2)]
    assert [message["type"] for message in messages] == ["CONNECTED", "STATE_SYNC"]
    refused = await guarded.http.get(f"/v1/sessions/{session_id}", headers=bearer(found["token"]))
    assert refused.status_code == 401


async def test_a_caller_with_the_longest_subject_can_follow_a_session(guarded: ApiClient) -> None:
    """A subject of 255 characters is the longest that a token may have."""
    token = tokens.host("a" * 255)
    created = await guarded.http.post("/v1/sessions", json=chess(), headers=bearer(token))
    session_id = created.json()["data"]["session_id"]
    found = await _subscription(guarded, session_id, token)
    if not IS_FUNCTIONS:
        async with connect(f"{found['url']}&{urlencode({'token': found['token']})}") as socket:
            assert json.loads(await socket.recv())["type"] == "CONNECTED"


async def test_a_participant_with_any_id_can_follow_its_session(guarded: ApiClient) -> None:
    people = [participant(participant_id="Ünïcode/✓")]
    session_id = await guarded.created(chess(participants=people))
    token = tokens.participant(session_id, "Ünïcode/✓")
    found = await _subscription(guarded, session_id, token)
    if not IS_FUNCTIONS:
        async with connect(f"{found['url']}&{urlencode({'token': found['token']})}") as socket:
            assert json.loads(await socket.recv())["type"] == "CONNECTED"


async def test_the_address_has_the_host_and_scheme_of_the_request(guarded: ApiClient) -> None:
    own = bearer(tokens.host("host"))
    created = await guarded.http.post("/v1/sessions", json=chess(), headers=own)
    session_id = created.json()["data"]["session_id"]
    headers = {**own, "Host": "sync.example.org", "X-Forwarded-Proto": "https"}
    answer = await guarded.http.get(f"/v1/sessions/{session_id}/realtime", headers=headers)
    path = f"v1/sessions/{session_id}" if IS_FUNCTIONS else f"ws?sessionId={session_id}"
    scheme = "https" if IS_FUNCTIONS else "wss"
    assert answer.json()["data"]["url"] == f"{scheme}://sync.example.org/{path}"
