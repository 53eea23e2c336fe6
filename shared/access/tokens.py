"""Tokens read and made (RFC 7519, RFC 8725): which caller a token names, if it is good."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

import jwt

from shared.access.callers import Caller
from shared.access.claims import caller_from
from shared.errors import Forbidden, Unauthenticated

LEEWAY_S = 30
"""How far the clock of who made a token may be from ours."""

MAX_LIFETIME_S = 24 * 60 * 60
_MAX_LENGTH = 8192
_OWN_ISSUER = "synckairos"


class Kind(StrEnum):
    """What a token is for, by its `typ` (RFC 8725 §3.11)."""

    ACCESS = "access"
    """Everything its role may do. From whoever is set up to issue tokens."""
    SESSION = "session"
    """The same, for one session. From us, or a backend that shares `JWT_SECRET`."""
    SUBSCRIPTION = "subscription"
    """Live pushes and nothing else, for it travels in an address. From us."""


_KINDS = {
    "JWT": Kind.ACCESS,
    "at+jwt": Kind.ACCESS,
    "synckairos-session+jwt": Kind.SESSION,
    "synckairos-subscription+jwt": Kind.SUBSCRIPTION,
}
_TYPES = {kind: typ for typ, kind in _KINDS.items()}

CALLING = frozenset({Kind.ACCESS, Kind.SESSION})
SUBSCRIBING = frozenset(Kind)


class KeySource(Protocol):
    """The public keys of an issuer."""

    async def find(self, kid: str | None) -> jwt.PyJWK | None:
        """The key of that id. Raises `StoreUnavailable` where none could ever be fetched."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """Someone else who issues tokens: where its keys are, and the one algorithm it signs with."""

    keys: KeySource
    algorithm: str


class Tokens:
    """Reads tokens and makes them; which algorithm and key are right is settled before one comes.

    `secret` signs ours; tokens for access are the `issuer`'s where there is one, else signed with
    the secret too. `expected_issuer` and `audience` hold for tokens for access alone.
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

    async def caller_of(self, token: str, kinds: frozenset[Kind] = CALLING) -> Caller:
        """Whom `token` names. Raises `Unauthenticated` for one that is not good, or of none of
        `kinds`."""
        header = _header_of(token)
        kind = _KINDS.get(header.get("typ", "JWT"))
        if kind not in kinds:
            raise Unauthenticated("The token is not of a kind that belongs here")
        claims = await self._claims(token, kind, header.get("kid"))
        return caller_from(claims)

    @property
    def signs(self) -> bool:
        """Whether there is a secret to make tokens with."""
        return self._secret is not None

    def require_signing(self) -> None:
        """Raises `Forbidden` where there is no secret to sign tokens with."""
        if self._secret is None:
            raise Forbidden("This service has no JWT_SECRET to sign tokens with")

    def mint(
        self, kind: Kind, caller: Caller, lifetime_s: int, issued_at_s: int | None = None
    ) -> tuple[str, int]:
        """A token that names `caller`, and when it ends: s since the Unix epoch.

        It is issued now, or at `issued_at_s`: the same caller, lifetime and instant make the same
        token. Raises `Forbidden` where there is no secret to sign it with.
        """
        self.require_signing()
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
        }
        said = {name: value for name, value in claims.items() if value is not None}
        assert self._secret
        token = jwt.encode(said, self._secret, "HS256", headers={"typ": _TYPES[kind]})
        return token, expires_at

    async def _claims(self, token: str, kind: Kind, kid: Any) -> Mapping[str, Any]:
        if kind is Kind.ACCESS and self._issuer:
            key: Any = await self._issuer.keys.find(kid)
            algorithm = self._issuer.algorithm
        else:
            key, algorithm = self._secret, "HS256"
        if key is None:
            raise Unauthenticated("The token's key is not known here")
        return self._verified(token, key, algorithm, is_for_access=kind is Kind.ACCESS)

    def _verified(
        self, token: str, key: Any, algorithm: str, *, is_for_access: bool
    ) -> Mapping[str, Any]:
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
            raise Unauthenticated(_REASONS.get(type(error), _NOT_GOOD)) from None
        return claims


_NOT_GOOD = "The token is not good: it is malformed, or its signature is wrong"
_REASONS = {
    jwt.InvalidIssuerError: "The token is from another issuer",
    jwt.InvalidAudienceError: "The token is for another audience",
    jwt.ImmatureSignatureError: "The token is not good yet",
    jwt.MissingRequiredClaimError: "The token lacks a claim that it needs",
}


def _header_of(token: str) -> Mapping[str, Any]:
    """The header, which is believed in nothing but which kind and key to look for."""
    try:
        if len(token) > _MAX_LENGTH:
            raise ValueError
        header: Mapping[str, Any] = jwt.get_unverified_header(token)
        if not isinstance(header.get("typ", ""), str):
            raise ValueError
    except (jwt.InvalidTokenError, ValueError, TypeError):
        raise Unauthenticated(_NOT_GOOD) from None
    return header
