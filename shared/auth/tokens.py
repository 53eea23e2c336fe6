"""Verifies and issues JSON Web Tokens (RFC 7519, RFC 8725)."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

import jwt

from shared.application.authorization import Caller
from shared.application.errors import Forbidden, Unauthenticated
from shared.application.ports.token_revocations import SessionToken
from shared.auth.claims import (
    EXACT_CLAIM,
    KEY_CLAIM,
    LEEWAY_S,
    PARENT_CLAIM,
    caller_from,
    follower_from,
)

MAX_LIFETIME_S = 24 * 60 * 60
_MAX_LENGTH = 8192
_OWN_ISSUER = "synckairos"


class TokenKind(StrEnum):
    """The purpose of a token, by its `typ` (RFC 8725 section 3.11)."""

    ACCESS = "access"
    """All rights of its role. Issued by the configured issuer, or with `JWT_SECRET`."""
    SESSION = "session"
    """The same on one session. Issued by this service, or a backend that shares `JWT_SECRET`."""
    SUBSCRIPTION = "subscription"
    """Live pushes only, because it is sent in a URL. Issued by this service."""


_KINDS = {
    "JWT": TokenKind.ACCESS,
    "at+jwt": TokenKind.ACCESS,
    "synckairos-session+jwt": TokenKind.SESSION,
    "synckairos-subscription+jwt": TokenKind.SUBSCRIPTION,
}
_TYPES = {kind: typ for typ, kind in _KINDS.items()}

REQUEST_TOKENS = frozenset({TokenKind.ACCESS, TokenKind.SESSION})
SUBSCRIPTION_TOKENS = frozenset(TokenKind)


class KeySource(Protocol):
    """The public keys of an issuer."""

    async def find(self, kid: str | None) -> jwt.PyJWK | None:
        """Return the key with that id, or None. Raises `StoreUnavailable` without current keys."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """An external token issuer: its public keys, and the only algorithm that it signs with."""

    keys: KeySource
    algorithm: str


class TokenService:
    """Verifies and issues tokens; settings, never the token, determine the algorithm.

    `secret` signs this service's tokens. Access tokens come from `issuer` if there is one, else
    they are signed with the secret too. `expected_issuer` and `audience` apply only to access
    tokens.
    """

    def __init__(
        self,
        secret: str | None,
        issuer: Issuer | None = None,
        *,
        expected_issuer: str | None = None,
        audience: str | None = None,
    ) -> None:
        self._secret = secret
        self._issuer = issuer
        self._expected_issuer = expected_issuer
        self._audience = audience

    async def verify(self, token: str, kinds: frozenset[TokenKind] = REQUEST_TOKENS) -> Caller:
        """Return the caller that `token` names.

        Raises `Unauthenticated` if it is invalid or not one of `kinds`, and `StoreUnavailable` if
        the issuer's keys can't be fetched.
        """
        header = _header_of(token)
        kind = _KINDS.get(header.get("typ", "JWT"))
        if kind not in kinds:
            raise Unauthenticated("This kind of token is not accepted here")
        claims = await self._claims(token, kind, header.get("kid"))
        return (follower_from if kind is TokenKind.SUBSCRIPTION else caller_from)(claims)

    @property
    def can_issue_tokens(self) -> bool:
        """Whether there is a secret to sign tokens with."""
        return self._secret is not None

    def require_secret(self) -> str:
        """Return the secret that signs tokens. Raises `Forbidden` if there is none."""
        if self._secret is None:
            raise Forbidden("This service can't issue tokens because it has no JWT_SECRET")
        return self._secret

    def issue(
        self, kind: TokenKind, caller: Caller, lifetime_s: int, issued_at_s: int | None = None
    ) -> tuple[str, int]:
        """Return a token that names `caller`, and its expiry (s since the Unix epoch).

        Its lifetime begins now or at `issued_at_s`, and is capped at 24 h. It is the caller's token
        if there is one; a subscription token names the token or API key that it was made with. The
        same arguments produce the same token. Raises `Forbidden` without a secret to sign it.
        """
        secret = self.require_secret()
        issued_at = int(time.time()) if issued_at_s is None else issued_at_s
        expires_at = issued_at + min(lifetime_s, MAX_LIFETIME_S)
        claims = {
            "iss": _OWN_ISSUER,
            "sub": caller.subject,
            "iat": issued_at,
            "exp": expires_at,
            "role": str(caller.role),
            "tenant": caller.tenant,
            "session_id": caller.session_id,
            "participant_id": caller.participant_id,
            "follows_for": caller.follows_for and str(caller.follows_for),
            KEY_CLAIM: caller.key_id if kind is TokenKind.SUBSCRIPTION else None,
            **_identity(kind, caller.token),
        }
        payload = {name: value for name, value in claims.items() if value is not None}
        token = jwt.encode(payload, secret, "HS256", headers={"typ": _TYPES[kind]})
        return token, expires_at

    async def _claims(self, token: str, kind: TokenKind, kid: Any) -> Mapping[str, Any]:
        is_for_access = kind is TokenKind.ACCESS
        if not (is_for_access and self._issuer):
            return self._verified(token, self._secret, "HS256", is_for_access=is_for_access)
        key = await self._issuer.keys.find(kid)
        claims = self._verified(token, key, self._issuer.algorithm, is_for_access=True)
        # Some issuers let their users choose claims.
        return {name: value for name, value in claims.items() if name != EXACT_CLAIM}

    def _verified(
        self, token: str, key: Any, algorithm: str, *, is_for_access: bool
    ) -> Mapping[str, Any]:
        if key is None:
            raise Unauthenticated("The token is signed with an unknown key")
        audience = self._audience if is_for_access else None
        try:
            claims: Mapping[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                leeway=LEEWAY_S,
                issuer=self._expected_issuer if is_for_access else _OWN_ISSUER,
                audience=audience,
                options={"require": ["exp"], "verify_aud": audience is not None},
            )
        except jwt.ExpiredSignatureError:
            raise Unauthenticated("The token has expired") from None
        except (jwt.InvalidTokenError, ValueError, TypeError) as error:
            raise Unauthenticated(_REASONS.get(type(error), _INVALID)) from None
        return claims


def _identity(kind: TokenKind, token: SessionToken | None) -> Mapping[str, Any]:
    """Return the claims by which `token`, or a token that was made with it, can be revoked."""
    if token is None:
        return {}
    identity = {"jti": token.token_id, "iat": token.issued_at / 1000, EXACT_CLAIM: True}
    return {PARENT_CLAIM: identity} if kind is TokenKind.SUBSCRIPTION else identity


_INVALID = "The token is malformed, or its signature is wrong"
_REASONS = {
    jwt.InvalidIssuerError: "The token is from another issuer",
    jwt.InvalidAudienceError: "The token is for another audience",
    jwt.ImmatureSignatureError: "The token is not valid yet",
    jwt.MissingRequiredClaimError: "The token lacks a required claim",
}


def _header_of(token: str) -> Mapping[str, Any]:
    """Return the unverified header, of which only the kind and the key id are used."""
    try:
        if len(token) > _MAX_LENGTH:
            raise ValueError
        header: Mapping[str, Any] = jwt.get_unverified_header(token)
        if not isinstance(header.get("typ", ""), str):
            raise ValueError
    except (jwt.InvalidTokenError, ValueError, TypeError):
        raise Unauthenticated(_INVALID) from None
    return header
