"""Tokens that the local Realtime server accepts, and the roles that they give."""

import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from infra.local.realtime.tokens import RealtimeError, TokenVerifier
from infra.local.supabase import JWT_SECRET, PUBLISHABLE_KEY, SECRET_KEY

_PRIVATE = ec.generate_private_key(ec.SECP256R1())
_OTHER = ec.generate_private_key(ec.SECP256R1())
_CLAIMS: dict[str, Any] = {"role": "authenticated", "exp": time.time() + 3600, "iat": 0}
_PUBLIC_JWK = ECAlgorithm.to_jwk(_PRIVATE.public_key(), as_dict=True) | {"kid": "key-1"}


def _signed_with_key(key: Any = _PRIVATE, kid: str = "key-1") -> str:
    return jwt.encode(_CLAIMS, key, "ES256", {"kid": kid})


def _signed_with_secret(secret: str = JWT_SECRET, without: str = "", **claims: Any) -> str:
    payload = {name: value for name, value in {**_CLAIMS, **claims}.items() if name != without}
    return jwt.encode(payload, secret, "HS256")


@pytest.mark.parametrize(("key", "role"), [(SECRET_KEY, "service_role"), (PUBLISHABLE_KEY, "anon")])
def test_api_keys_give_their_roles(key: str, role: str) -> None:
    assert TokenVerifier().identify(key).role == role


def test_tokens_signed_with_the_secret_are_accepted() -> None:
    identity = TokenVerifier().identify(_signed_with_secret(aud="any", nbf=2**33, sync_session="1"))
    assert (identity.role, identity.claims["sync_session"]) == ("authenticated", "1")


def test_tokens_signed_with_an_imported_key_are_accepted() -> None:
    tokens = TokenVerifier([_PUBLIC_JWK])
    assert tokens.identify(_signed_with_key()).role == "authenticated"
    assert tokens.identify(_signed_with_secret()).role == "authenticated"


@pytest.mark.parametrize(
    ("token", "code"),
    [
        (_signed_with_key(_OTHER), "JwtSignatureError"),
        (_signed_with_key(kid="unknown"), "JwtSignatureError"),
        (
            jwt.encode(_CLAIMS, _PUBLIC_JWK["x"], "HS256", {"kid": "key-1"}),
            "JwtSignatureError",
        ),
        (jwt.encode(_CLAIMS, "", "none"), "JwtSignatureError"),
        (_signed_with_secret("another secret of thirty-two bytes"), "JwtSignatureError"),
        (_signed_with_secret(exp=1), "InvalidJWTToken"),
        (_signed_with_secret(without="role"), "InvalidJWTToken"),
        (_signed_with_secret(without="exp"), "InvalidJWTToken"),
        (_signed_with_secret(role=1), "InvalidJWTToken"),
        ("a.b.c", "MalformedJWT"),
        ("", "Unauthorized"),
        (None, "Unauthorized"),
        ("sb_secret_of_somebody_else", "Unauthorized"),
    ],
)
def test_every_other_token_is_refused_with_its_code(token: str | None, code: str) -> None:
    with pytest.raises(RealtimeError) as refused:
        TokenVerifier([_PUBLIC_JWK]).identify(token)
    assert refused.value.code == code


def test_a_refusal_says_how_long_ago_the_token_expired() -> None:
    with pytest.raises(RealtimeError, match=r"Token has expired 6[01] seconds ago"):
        TokenVerifier().identify(_signed_with_secret(exp=int(time.time()) - 60))
