"""Whose tokens a project takes, and for whom."""

import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from infra.local.realtime.errors import RealtimeError
from infra.local.realtime.options import RealtimeOptions
from infra.local.realtime.tokens import TokenVerifier
from infra.local.supabase import JWT_SECRET, PUBLISHABLE_KEY, SECRET_KEY

_PRIVATE = ec.generate_private_key(ec.SECP256R1())
_OTHER = ec.generate_private_key(ec.SECP256R1())
_CLAIMS: dict[str, Any] = {"role": "authenticated", "exp": time.time() + 3600, "iat": 0}
_JWK = ECAlgorithm.to_jwk(_PRIVATE, as_dict=True) | {"kid": "ours"}
_PUBLIC_JWK = ECAlgorithm.to_jwk(_PRIVATE.public_key(), as_dict=True) | {"kid": "ours"}


def _by_key(key: Any = _PRIVATE, kid: str = "ours") -> str:
    return jwt.encode(_CLAIMS, key, "ES256", {"kid": kid})


def _by_secret(secret: str = JWT_SECRET, without: str = "", **claims: Any) -> str:
    said = {name: value for name, value in {**_CLAIMS, **claims}.items() if name != without}
    return jwt.encode(said, secret, "HS256")


@pytest.mark.parametrize(("key", "role"), [(SECRET_KEY, "service_role"), (PUBLISHABLE_KEY, "anon")])
def test_keys_stand_for_roles(key: str, role: str) -> None:
    assert TokenVerifier(RealtimeOptions()).identify(key).role == role


def test_the_secret_signs() -> None:
    identity = TokenVerifier(RealtimeOptions()).identify(
        _by_secret(aud="whoever", nbf=2**33, sync_session="1")
    )
    assert (identity.role, identity.claims["sync_session"]) == ("authenticated", "1")


@pytest.mark.parametrize("jwk", [_JWK, _PUBLIC_JWK])
def test_a_key_that_was_imported_signs(jwk: dict[str, Any]) -> None:
    tokens = TokenVerifier(RealtimeOptions(signing_keys=[jwk]))
    assert tokens.identify(_by_key()).role == "authenticated"
    assert tokens.identify(_by_secret()).role == "authenticated"


@pytest.mark.parametrize(
    ("token", "code"),
    [
        (_by_key(_OTHER), "JwtSignatureError"),
        (_by_key(kid="unknown"), "JwtSignatureError"),
        (
            jwt.encode(_CLAIMS, _PUBLIC_JWK["x"], "HS256", {"kid": "ours"}),
            "JwtSignatureError",
        ),
        (jwt.encode(_CLAIMS, "", "none"), "JwtSignatureError"),
        (_by_secret("another secret of thirty-two bytes"), "JwtSignatureError"),
        (_by_secret(exp=1), "InvalidJWTToken"),
        (_by_secret(without="role"), "InvalidJWTToken"),
        (_by_secret(without="exp"), "InvalidJWTToken"),
        (_by_secret(role=1), "InvalidJWTToken"),
        (_by_secret(iat="now"), "MalformedJWT"),
        ("a.b.c", "MalformedJWT"),
        ("", "MalformedJWT"),
        (None, "MalformedJWT"),
        ("sb_secret_of_somebody_else", "MalformedJWT"),
    ],
)
def test_nothing_else_does(token: str | None, code: str) -> None:
    with pytest.raises(RealtimeError) as refused:
        TokenVerifier(RealtimeOptions(signing_keys=[_JWK])).identify(token)
    assert refused.value.code == code


def test_it_is_said_since_when_a_token_is_over() -> None:
    with pytest.raises(RealtimeError, match="Token has expired 60 seconds ago"):
        TokenVerifier(RealtimeOptions()).identify(_by_secret(exp=time.time() - 60.5))
