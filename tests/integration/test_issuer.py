"""Tokens of an external issuer such as Supabase Auth are checked with its published keys."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from infra.local.redis import embedded_redis
from tests.fuzz.extent import IS_FULL
from tests.support import tokens
from tests.support.api import ApiClient, chess
from tests.support.key_set import served_key_set
from tests.support.target import IS_FUNCTIONS, running_service
from tests.support.tokens import SECRET, bearer, claims, signed

pytestmark = pytest.mark.http

_ISSUER = "https://project.supabase.example/auth/v1"
_KEYS: dict[str, Any] = {
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "RS256": rsa.generate_private_key(65537, 2048),
}


@pytest.fixture(scope="module")
def keys_url() -> Iterator[str]:
    """URL of an issuer's key set."""
    with served_key_set(_KEYS) as url:
        yield url


@pytest.fixture(scope="module", params=["ES256"] if IS_FUNCTIONS and not IS_FULL else sorted(_KEYS))
def algorithm(request: pytest.FixtureRequest) -> str:
    """The issuer's signature algorithm."""
    return str(request.param)


@pytest.fixture(scope="module")
def url(keys_url: str, algorithm: str) -> Iterator[str]:
    """URL of a service that trusts this issuer."""
    settings = {
        "JWT_JWKS_URL": keys_url,
        "JWT_ALGORITHM": algorithm,
        "JWT_ISSUER": _ISSUER,
        "JWT_AUDIENCE": "authenticated",
        "JWT_SECRET": SECRET,
    }
    with embedded_redis() as redis_url, running_service(redis_url, **settings) as served:
        yield served


def _user_token(algorithm: str, **more: Any) -> str:
    payload = claims("authenticated", "0b7e4c9a-5d21-4f6e-8a3b-9c1d2e3f4a5b") | {
        "iss": _ISSUER,
        "aud": "authenticated",
        **more,
    }
    return signed(payload, key=_KEYS[algorithm], algorithm=algorithm, kid=algorithm)


async def test_a_user_of_the_issuer_is_a_host(url: str, algorithm: str) -> None:
    async with httpx.AsyncClient(base_url=url, timeout=20) as http:
        api = ApiClient(http)
        http.headers.update(bearer(_user_token(algorithm)))
        body = chess()
        session_id = await api.started(body)
        player = body["participants"][0]["participant_id"]
        request = {"role": "participant", "participant_id": player}
        issued = await http.post(f"/v1/sessions/{session_id}/tokens", json=request)
        http.headers.update(bearer(issued.json()["data"]["token"]))
        assert (await api.do(session_id, "switch")).status_code == 200


async def test_tokens_of_another_key_issuer_or_audience_are_refused(
    url: str, algorithm: str
) -> None:
    other = next(name for name in _KEYS if name != algorithm)
    refused = [
        tokens.host(),
        tokens.service(),
        _user_token(other),
        _user_token(algorithm, aud="another"),
        _user_token(algorithm, iss="https://another.example"),
        signed(claims("service", "x"), key=_KEYS[algorithm], algorithm=algorithm, kid="unknown"),
    ]
    async with httpx.AsyncClient(base_url=url, timeout=20) as http:
        answers = [
            await http.post("/v1/sessions", json=chess(), headers=bearer(t)) for t in refused
        ]
    assert [answer.status_code for answer in answers] == [401] * len(refused)
