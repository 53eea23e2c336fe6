"""How a token for one session is identified, so that it can be revoked."""

import time
from typing import Any

import pytest

from shared.application.authorization import Caller, Role
from shared.application.errors import Unauthenticated
from shared.application.ports.token_revocations import Revocation, SessionToken
from shared.auth.tokens import SUBSCRIPTION_TOKENS, TokenKind, TokenService
from shared.domain.units import Instant
from tests.support.tokens import SECRET, claims, signed

ID = "5a7f9a52-6a2c-4d0c-9a38-0f1f4c3b7d10"
TOKENS = TokenService(SECRET)


async def identity_of(token: str) -> SessionToken | None:
    return (await TOKENS.verify(token, SUBSCRIPTION_TOKENS)).token


def spectator(**more: Any) -> str:
    return signed(claims("spectator", "viewer", session_id=ID, **more))


async def test_a_token_of_one_session_is_identified_with_its_tenant() -> None:
    token = spectator(jti="an-id", iat=100.001, tenant="acme")
    assert await identity_of(token) == SessionToken(f"acme:{ID}", "an-id", Instant(70_001))


@pytest.mark.parametrize("jti", [None, "", "x" * 65, "with space"])
async def test_an_id_in_another_form_is_no_token_id(jti: object) -> None:
    assert await identity_of(spectator(jti=jti)) == SessionToken(ID)


async def test_a_fast_clock_does_not_let_a_token_survive_a_revocation_of_all() -> None:
    """A backend whose clock is 29 s fast signs a token a second before the revocation."""
    revoked_at = time.time()
    token = await identity_of(spectator(iat=revoked_at - 1 + 29))
    assert token
    assert Revocation(Instant(int(revoked_at * 1000))).covers(token)


@pytest.mark.parametrize(("iat_s", "is_revoked"), [(130.0, True), (130.001, False)])
async def test_a_backend_s_token_counts_as_new_from_30_s_after_a_revocation(
    iat_s: float, is_revoked: bool
) -> None:
    token = await identity_of(spectator(iat=iat_s))
    assert token
    assert Revocation(Instant(100_000)).covers(token) is is_revoked


async def test_a_token_of_this_service_is_valid_right_after_a_revocation() -> None:
    revocation = Revocation(Instant(100_000))
    for issued_at, is_revoked in ((100_000, True), (100_001, False)):
        made = SessionToken(ID, "an-id", Instant(issued_at))
        caller = Caller(Role.SPECTATOR, "viewer", session_id=ID, token=made)
        token, _ = TOKENS.issue(TokenKind.SESSION, caller, 60)
        assert await identity_of(token) == made
        assert revocation.covers(made) is is_revoked


@pytest.mark.parametrize("iat", [-(10**400), -1e308])
async def test_an_issue_instant_beyond_all_numbers_is_refused(iat: float) -> None:
    with pytest.raises(Unauthenticated, match="iat is too large"):
        await identity_of(spectator(iat=iat))


@pytest.mark.parametrize("role", ["service", "host"])
async def test_tokens_for_all_sessions_are_not_identified(role: str) -> None:
    assert await identity_of(signed(claims(role, "alice", jti="an-id", iat=100))) is None


async def test_a_subscription_is_identified_by_the_token_that_it_was_made_with() -> None:
    parent = SessionToken(ID, "an-id", Instant(1_796_038_841_357))
    for token in (parent, None):
        caller = Caller(Role.SPECTATOR, "viewer", session_id=ID, token=token)
        subscription, _ = TOKENS.issue(TokenKind.SUBSCRIPTION, caller, 60)
        assert await identity_of(subscription) == token


def test_a_revocation_of_all_covers_the_tokens_issued_until_then() -> None:
    revocation = Revocation(Instant(100_999))
    instants = (0, 100_999, 101_000)
    covered = [revocation.covers(SessionToken(ID, "an-id", Instant(at))) for at in instants]
    assert covered == [True, True, False]


def test_a_revocation_of_one_covers_only_that_one() -> None:
    revocation = Revocation(Instant(100_999), "an-id")
    assert revocation.covers(SessionToken(ID, "an-id", Instant(200_000)))
    assert not revocation.covers(SessionToken(ID, "another"))
    assert not revocation.covers(SessionToken(ID))
