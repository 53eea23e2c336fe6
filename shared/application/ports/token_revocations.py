"""Interface of the revocations of tokens for one session."""

from typing import Protocol

from shared.domain.units import Instant
from shared.domain.values import Value


class SessionToken(Value, frozen=True):
    """A token for one session, as its revocation needs it.

    `name` is the session's store name, `token_id` the claim `jti`, if there is one, and `issued_at`
    the earliest instant, by the store's clock, at which the token may have been issued. A token
    without the claim `iat` counts as very old.
    """

    name: str
    token_id: str | None = None
    issued_at: Instant = Instant(0)


class Revocation(Value, frozen=True):
    """The token of a session with `token_id` is revoked, or without one all issued until `at`."""

    at: Instant
    token_id: str | None = None

    def covers(self, token: SessionToken) -> bool:
        """Return whether it revokes this token of the same session."""
        if self.token_id is None:
            return token.issued_at <= self.at
        return self.token_id == token.token_id


class TokenRevocations(Protocol):
    """Which tokens of each session are revoked. All methods raise `StoreUnavailable`.

    A load of a session checks a token in the same round trip (`SessionStore.load`).
    """

    async def revoke(self, name: str, token_id: str | None) -> bool:
        """Revoke a token of the session `name`, or all that were issued until now.

        Also tells the live connections of all instances. Returns False, without an effect, if too
        many tokens of the session are revoked one by one.
        """

    async def all_revoked_at(self, name: str) -> Instant | None:
        """Return when all tokens of the session were revoked last, if that still matters."""

    async def is_revoked(self, token: SessionToken) -> bool:
        """Return whether the token is revoked."""
