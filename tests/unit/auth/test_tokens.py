"""Which tokens are valid, and which caller they identify (RFC 7519, RFC 8725)."""

import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from shared.application.authorization import Caller, Role
from shared.application.errors import Forbidden, Unauthenticated
from shared.auth.tokens import REQUEST_TOKENS, SUBSCRIPTION_TOKENS, Issuer, TokenKind, TokenService
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


def _issuer_token(payload: Any, key: Any = _EC_KEY, algorithm: str = "ES256", **header: str) -> str:
    return signed(payload, key=key, algorithm=algorithm, **{"kid": "known", **header})


@pytest.fixture
def own_tokens() -> TokenService:
    """Tokens of a service that accepts tokens signed with its secret."""
    return TokenService(SECRET)


@pytest.fixture
def issuer_tokens() -> TokenService:
    """Tokens of a service that accepts those of an external issuer."""
    issuer = Issuer(_Keys(_EC_KEY.public_key(), "ES256"), "ES256")
    return TokenService(SECRET, issuer, expected_issuer="https://issuer.example", audience="games")


def _user_claims(**more: Any) -> Any:
    return claims("host", "alice", iss="https://issuer.example", aud="games", **more)


async def test_a_valid_token_identifies_its_caller(own_tokens: TokenService) -> None:
    payload = claims("participant", session_id=_ID.upper(), participant_id=_ID, tenant="acme")
    caller = await own_tokens.verify(signed(payload))
    assert caller == Caller(Role.PARTICIPANT, _ID, "acme", _ID, _ID, payload["exp"])


async def test_an_issuer_s_token_never_counts_as_made_by_the_store_s_clock(
    issuer_tokens: TokenService,
) -> None:
    payload = claims("spectator", "viewer", session_id=_ID, iat=100, iat_exact=True)
    payload |= {"iss": "https://issuer.example", "aud": "games"}
    caller = await issuer_tokens.verify(_issuer_token(payload))
    assert caller.token
    assert caller.token.issued_at == 70_000


@pytest.mark.parametrize("chosen", ["alice@example.com", "Ünïcode/✓", "😀" * 64])
@pytest.mark.parametrize("sub", [None, "chosen"])
async def test_a_participant_s_token_may_name_any_id(
    own_tokens: TokenService, chosen: str, sub: str | None
) -> None:
    payload = claims("participant", sub and chosen, session_id=_ID, participant_id=chosen)
    caller = await own_tokens.verify(signed(payload))
    assert (caller.participant_id, caller.subject) == (chosen, chosen)


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
        _issuer_token(claims("host", "a")),
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
async def test_an_invalid_token_is_refused_without_repeating_it(
    own_tokens: TokenService, token: str
) -> None:
    with pytest.raises(Unauthenticated) as refused:
        await own_tokens.verify(token)
    assert refused.value.headers["WWW-Authenticate"].startswith('Bearer error="invalid_token"')
    assert token[:20] not in refused.value.message or not token


async def test_expiry_tolerates_half_a_minute_of_clock_skew(own_tokens: TokenService) -> None:
    assert (await own_tokens.verify(signed(claims("host", "a", lifetime_s=-25)))).subject == "a"


@pytest.mark.parametrize(
    "payload",
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
        claims("cohost", "a"),
        claims("cohost", session_id="x"),
        claims("spectator", "a", session_id="x"),
        claims("participant", "a", session_id=_ID),
        claims("participant", "a", session_id=_ID, participant_id=7),
        claims("participant", "a", session_id=_ID, participant_id=""),
        claims("participant", "a", session_id=_ID, participant_id="a\n"),
        claims("participant", "a", session_id=_ID, participant_id="\ud800"),
        claims("participant", "a\n", session_id=_ID, participant_id="a"),
        claims("host", "Ünïcode"),
        claims("host", "a") | {"exp": 10**400},
    ],
)
async def test_claims_that_identify_no_caller_are_refused(
    own_tokens: TokenService, payload: Any
) -> None:
    with pytest.raises(Unauthenticated):
        await own_tokens.verify(signed(payload))


async def test_the_tenant_comes_from_app_metadata_and_never_from_user_metadata(
    own_tokens: TokenService,
) -> None:
    payload = claims("authenticated", _ID, app_metadata={"tenant": "acme"})
    assert (await own_tokens.verify(signed(payload))).tenant == "acme"
    payload = claims("authenticated", _ID, user_metadata={"tenant": "acme", "role": "service"})
    caller = await own_tokens.verify(signed(payload))
    assert (caller.tenant, caller.role) == (None, Role.HOST)


async def test_an_issuer_s_token_is_verified_with_the_issuer_s_key(
    issuer_tokens: TokenService,
) -> None:
    assert (await issuer_tokens.verify(_issuer_token(_user_claims()))).subject == "alice"


def _public_bytes() -> bytes:
    return _EC_KEY.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _signed_with_the_public_key() -> str:
    """A token signed by HS256 with the public key as the secret (RFC 8725 section 2.1)."""
    return _forged(_user_claims(), _public_bytes())


def _forged(payload: Any, key: bytes) -> str:
    signing = jwt.get_algorithm_by_name("HS256")
    unsigned = jwt.encode(payload, "x" * 32, "HS256", headers={"kid": "known"}).rpartition(".")[0]
    signature = signing.sign(unsigned.encode(), key)
    return f"{unsigned}.{jwt.utils.base64url_encode(signature).decode()}"


@pytest.mark.parametrize(
    "token",
    [
        signed(_user_claims()),
        _signed_with_the_public_key(),
        _issuer_token(_user_claims(), _RSA_KEY, "RS256"),
        _issuer_token(_user_claims(), ec.generate_private_key(ec.SECP256R1())),
        _issuer_token(_user_claims(), kid="unknown"),
        _issuer_token(_user_claims() | {"iss": "https://other.example"}),
        _issuer_token(_user_claims() | {"aud": "other"}),
        _issuer_token({k: v for k, v in _user_claims().items() if k != "aud"}),
        _issuer_token({k: v for k, v in _user_claims().items() if k != "iss"}),
    ],
)
async def test_with_an_issuer_forged_and_foreign_tokens_are_refused(
    issuer_tokens: TokenService, token: str
) -> None:
    with pytest.raises(Unauthenticated):
        await issuer_tokens.verify(token)


async def test_session_tokens_are_signed_with_the_secret_even_with_an_issuer(
    issuer_tokens: TokenService,
) -> None:
    bearer = Caller(Role.SPECTATOR, "viewer", "acme", _ID)
    token, expires_at = issuer_tokens.issue(TokenKind.SESSION, bearer, 60)
    caller = await issuer_tokens.verify(token)
    assert caller == Caller(Role.SPECTATOR, "viewer", "acme", _ID, None, float(expires_at))


async def test_a_subscription_token_is_valid_for_subscribing_only(own_tokens: TokenService) -> None:
    token, _ = own_tokens.issue(
        TokenKind.SUBSCRIPTION, Caller(Role.SPECTATOR, "viewer", None, _ID), 60
    )
    assert (await own_tokens.verify(token, SUBSCRIPTION_TOKENS)).session_id == _ID
    with pytest.raises(Unauthenticated, match="kind"):
        await own_tokens.verify(token, REQUEST_TOKENS)


async def test_only_a_subscription_token_says_for_which_role_it_follows(
    own_tokens: TokenService,
) -> None:
    follower = Caller(Role.SPECTATOR, "ada", None, _ID, "ada", follows_for=Role.PARTICIPANT)
    token, _ = own_tokens.issue(TokenKind.SUBSCRIPTION, follower, 60)
    caller = await own_tokens.verify(token, SUBSCRIPTION_TOKENS)
    assert (caller.role, caller.shown_role) == (Role.SPECTATOR, Role.PARTICIPANT)
    assert caller.participant_id == "ada"
    token, _ = own_tokens.issue(TokenKind.SESSION, follower, 60)
    caller = await own_tokens.verify(token)
    assert (caller.shown_role, caller.participant_id) == (Role.SPECTATOR, None)


def test_issued_tokens_expire_within_a_day(own_tokens: TokenService) -> None:
    _, expires_at = own_tokens.issue(
        TokenKind.SESSION, Caller(Role.SPECTATOR, "v", None, _ID), 10**9
    )
    assert expires_at <= time.time() + 24 * 3600


def test_without_a_secret_no_token_is_issued() -> None:
    with pytest.raises(Forbidden, match="JWT_SECRET"):
        TokenService(None).issue(TokenKind.SESSION, Caller(Role.SPECTATOR, "v", None, _ID), 60)


async def test_without_a_secret_or_an_issuer_every_token_is_refused() -> None:
    with pytest.raises(Unauthenticated):
        await TokenService(None).verify(signed(claims("service", "a")))
