"""Which tokens are good, and whom they name (RFC 7519, RFC 8725)."""

import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from shared.access.callers import Caller, Role
from shared.access.tokens import CALLING, SUBSCRIBING, Issuer, Kind, Tokens
from shared.errors import Forbidden, Unauthenticated
from tests.support.tokens import HOUR, SECRET, claims, signed

_ID = "5a7f9a52-6a2c-4d0c-9a38-0f1f4c3b7d10"
_EC_KEY = ec.generate_private_key(ec.SECP256R1())
_RSA_KEY = rsa.generate_private_key(65537, 2048)


class _Keys:
    """An issuer's only key."""

    def __init__(self, public: Any, algorithm: str) -> None:
        algorithms = jwt.get_algorithm_by_name(algorithm)
        self.jwk = jwt.PyJWK(algorithms.to_jwk(public, as_dict=True), algorithm)

    async def find(self, kid: str | None) -> jwt.PyJWK | None:
        return self.jwk if kid == "known" else None


def _issued(said: Any, key: Any = _EC_KEY, algorithm: str = "ES256", **header: str) -> str:
    return signed(said, key=key, algorithm=algorithm, **{"kid": "known", **header})


@pytest.fixture
def ours() -> Tokens:
    """Tokens of a service that shares its secret with whoever makes them."""
    return Tokens(SECRET)


@pytest.fixture
def theirs() -> Tokens:
    """Tokens of a service whose users sign in elsewhere."""
    issuer = Issuer(_Keys(_EC_KEY.public_key(), "ES256"), "ES256")
    return Tokens(SECRET, issuer, expected_issuer="https://issuer.example", audience="games")


def _user(**more: Any) -> Any:
    return claims("host", "alice", iss="https://issuer.example", aud="games", **more)


async def test_a_good_token_names_its_caller(ours: Tokens) -> None:
    said = claims("participant", session_id=_ID.upper(), participant_id=_ID, tenant="acme")
    caller = await ours.caller_of(signed(said))
    assert caller == Caller(Role.PARTICIPANT, _ID, "acme", _ID, _ID, said["exp"])


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a.b.c",
        "." * 10_000,
        signed(claims("host", "a"), key="another secret, which is as long"),
        signed(claims("host", "a"), key=None, algorithm="none"),
        signed(claims("host", "a"), algorithm="HS384"),
        signed(claims("host", "a"), algorithm="HS512"),
        _issued(claims("host", "a")),
        signed(claims("host", "a"))[:-2],
        signed(claims("host", "a", pad="x" * 9000)),
        signed(claims("host", "a", lifetime_s=-31)),
        signed({"role": "host", "sub": "a"}),
        signed(claims("host", "a", nbf=time.time() + HOUR)),
        signed(claims("host", "a") | {"exp": "soon"}),
        signed(claims("host", "a"), typ="refresh+jwt"),
        signed(claims("host", "a"), crit=["b64"]),  # type: ignore[arg-type]
    ],
)
async def test_what_is_not_good_is_refused_in_words_that_repeat_nothing_of_it(
    ours: Tokens, token: str
) -> None:
    with pytest.raises(Unauthenticated) as refused:
        await ours.caller_of(token)
    assert refused.value.headers["WWW-Authenticate"].startswith('Bearer error="invalid_token"')
    assert token[:20] not in refused.value.message or not token


async def test_half_a_minute_of_another_clock_is_forgiven(ours: Tokens) -> None:
    assert (await ours.caller_of(signed(claims("host", "a", lifetime_s=-25)))).subject == "a"


@pytest.mark.parametrize(
    "said",
    [
        claims("admin", "a"),
        claims("anon", "a"),
        claims("service_role", "a"),
        {"sub": "a", "exp": time.time() + 60},
        claims("host"),
        claims("host", ""),
        claims("host", "a b"),
        claims("host", "a" * 256),
        claims("host", "a", tenant="a:b"),
        claims("host", "a", tenant=""),
        claims("host", "a", tenant=["acme"]),
        claims("spectator", "a"),
        claims("spectator", "a", session_id="x"),
        claims("participant", "a", session_id=_ID),
        claims("participant", "a", session_id=_ID, participant_id=7),
        claims("host", "a") | {"exp": 10**400},
    ],
)
async def test_claims_that_name_nobody_are_refused(ours: Tokens, said: Any) -> None:
    with pytest.raises(Unauthenticated):
        await ours.caller_of(signed(said))


async def test_only_what_the_project_itself_can_write_names_a_tenant(ours: Tokens) -> None:
    said = claims("authenticated", _ID, app_metadata={"tenant": "acme"})
    assert (await ours.caller_of(signed(said))).tenant == "acme"
    said = claims("authenticated", _ID, user_metadata={"tenant": "acme", "role": "service"})
    caller = await ours.caller_of(signed(said))
    assert (caller.tenant, caller.role) == (None, Role.HOST)


async def test_an_issuer_s_token_is_read_with_the_issuer_s_key(theirs: Tokens) -> None:
    assert (await theirs.caller_of(_issued(_user()))).subject == "alice"


def _public_bytes() -> bytes:
    return _EC_KEY.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _signed_with_the_public_key() -> str:
    """HS256 with what everybody knows as its secret (RFC 8725 §2.1)."""
    return _forged(_user(), _public_bytes())


def _forged(said: Any, key: bytes) -> str:
    signing = jwt.get_algorithm_by_name("HS256")
    unsigned = jwt.encode(said, "x" * 32, "HS256", headers={"kid": "known"}).rpartition(".")[0]
    signature = signing.sign(unsigned.encode(), key)
    return f"{unsigned}.{jwt.utils.base64url_encode(signature).decode()}"


@pytest.mark.parametrize(
    "token",
    [
        signed(_user()),
        _signed_with_the_public_key(),
        _issued(_user(), _RSA_KEY, "RS256"),
        _issued(_user(), ec.generate_private_key(ec.SECP256R1())),
        _issued(_user(), kid="unknown"),
        _issued(_user() | {"iss": "https://other.example"}),
        _issued(_user() | {"aud": "other"}),
        _issued({k: v for k, v in _user().items() if k != "aud"}),
        _issued({k: v for k, v in _user().items() if k != "iss"}),
    ],
)
async def test_where_another_issues_tokens_nothing_but_its_own_is_read(
    theirs: Tokens, token: str
) -> None:
    with pytest.raises(Unauthenticated):
        await theirs.caller_of(token)


async def test_ours_are_signed_with_the_secret_wherever_users_sign_in(theirs: Tokens) -> None:
    bearer = Caller(Role.SPECTATOR, "viewer", "acme", _ID)
    token, expires_at = theirs.mint(Kind.SESSION, bearer, 60)
    caller = await theirs.caller_of(token)
    assert caller == Caller(Role.SPECTATOR, "viewer", "acme", _ID, None, float(expires_at))


async def test_a_token_for_live_pushes_is_good_for_nothing_else(ours: Tokens) -> None:
    token, _ = ours.mint(Kind.SUBSCRIPTION, Caller(Role.SPECTATOR, "viewer", None, _ID), 60)
    assert (await ours.caller_of(token, SUBSCRIBING)).session_id == _ID
    with pytest.raises(Unauthenticated, match="kind"):
        await ours.caller_of(token, CALLING)


def test_no_token_of_ours_lives_longer_than_a_day(ours: Tokens) -> None:
    _, expires_at = ours.mint(Kind.SESSION, Caller(Role.SPECTATOR, "v", None, _ID), 10**9)
    assert expires_at <= time.time() + 24 * 3600


def test_without_a_secret_none_is_made() -> None:
    with pytest.raises(Forbidden, match="JWT_SECRET"):
        Tokens(None).mint(Kind.SESSION, Caller(Role.SPECTATOR, "v", None, _ID), 60)


async def test_without_a_secret_or_an_issuer_none_is_good() -> None:
    with pytest.raises(Unauthenticated):
        await Tokens(None).caller_of(signed(claims("service", "a")))
