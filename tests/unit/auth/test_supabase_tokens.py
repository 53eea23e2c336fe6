"""Tokens for Supabase Realtime: they only allow subscribing, to one session."""

import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from shared.application.errors import Unauthenticated
from shared.auth.claims import caller_from
from shared.auth.supabase_tokens import SupabaseTokenSigner
from shared.settings.settings import Settings

_PRIVATE = ec.generate_private_key(ec.SECP256R1())
_JWK: dict[str, Any] = ECAlgorithm.to_jwk(_PRIVATE, as_dict=True) | {"kid": "key-1"}
_PUBLIC_JWK = {name: value for name, value in _JWK.items() if name != "d"}
_SECRET = "the-secret-of-a-project-that-is-long-enough"


def test_tokens_are_signed_with_the_project_s_secret() -> None:
    signer = SupabaseTokenSigner.from_secret(_SECRET)
    token, ends_s = signer.issue("acme:1", time.time() + 60, {"sync_role": "host"})
    claims = jwt.decode(token, _SECRET, algorithms=["HS256"])
    assert (claims["sync_session"], claims["sync_role"]) == ("acme:1", "host")
    assert claims["exp"] == ends_s
    assert "kid" not in jwt.get_unverified_header(token)


def test_a_signing_key_signs_tokens_with_its_key_id() -> None:
    token, _ = SupabaseTokenSigner.from_jwk(json.dumps(_JWK)).issue("1", time.time() + 60, {})
    jwt.decode(token, _PRIVATE.public_key(), algorithms=["ES256"])
    assert jwt.get_unverified_header(token) == {"alg": "ES256", "kid": "key-1", "typ": "JWT"}


def test_a_realtime_token_is_not_accepted_by_the_api() -> None:
    """Even with all claims of an API token, since both may be signed with the same key."""
    claims = {"role": "service", "exp": time.time() + 60, "sync_session": "1"}
    with pytest.raises(Unauthenticated, match="Realtime"):
        caller_from(claims)


@pytest.mark.parametrize(
    "key",
    [
        "no json",
        "[]",
        "{}",
        "null",
        json.dumps(_PUBLIC_JWK),
        json.dumps(_JWK | {"kid": ""}),
        json.dumps(_JWK | {"crv": "P-384"}),
        json.dumps({"kty": "oct", "k": "c2VjcmV0", "kid": "key-1"}),
    ],
)
def test_an_invalid_signing_key_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="private P-256 key with a kid"):
        Settings.model_validate({"supabase_signing_key": key})
    Settings.model_validate({"supabase_signing_key": json.dumps(_JWK)})
