"""Authenticates and authorizes callers of endpoints, WebSockets and event streams."""

from collections.abc import Coroutine
from typing import Any

from starlette.requests import HTTPConnection

from shared.application.authorization import (
    TOKEN_REVOKED_MESSAGE,
    UNAUTHENTICATED_CALLER,
    Authorization,
    Caller,
    Operation,
    Role,
    authorize,
)
from shared.application.errors import Forbidden, Unauthenticated
from shared.application.ports.token_revocations import TokenRevocations
from shared.auth.api_keys import ApiKeys
from shared.auth.rate_limits import RateLimiter, RequestRateLimit
from shared.auth.tokens import REQUEST_TOKENS, SUBSCRIPTION_TOKENS, TokenKind, TokenService
from shared.domain.session import session_name
from shared.http.client_address import client_address
from shared.http.origins import OriginPolicy

_SCHEME = "bearer "
_JOINER = Caller(Role.SPECTATOR)
"""A person without a token, who knows a join code."""


class AccessControl:
    """Checks a request and returns its `Authorization`, or raises the error to answer with.

    Without `tokens` there is no authentication: every caller may do everything, except web pages
    that `origins` refuses.
    """

    def __init__(
        self,
        tokens: TokenService | None,
        limiter: RateLimiter,
        api_keys: ApiKeys,
        revocations: TokenRevocations,
        trusted_hops: int = 0,
        origins: OriginPolicy | None = None,
    ) -> None:
        self._tokens = tokens
        self._api_keys = api_keys
        self._revocations = revocations
        self._origins = origins
        self._limiter = limiter
        self._trusted_hops = trusted_hops

    async def admit(
        self, connection: HTTPConnection, operation: Operation, session_id: str
    ) -> Authorization:
        """Do all three checks for a WebSocket; `Pipeline` does them separately for requests.

        Raises what they raise.
        """
        caller = await self.authenticate(connection, operation)
        rate_limit = self.rate_limit(connection, caller, operation, session_id)
        return self.authorize(connection, caller, operation, session_id, rate_limit)

    def authenticate(
        self, connection: HTTPConnection, operation: Operation
    ) -> Coroutine[Any, Any, Caller]:
        """Return the caller that the request's token or API key names.

        Raises what `verify` raises.
        """
        is_live = operation is Operation.SUBSCRIBE
        token = _token_in(connection, even_in_query=is_live)
        kinds = SUBSCRIPTION_TOKENS if is_live else REQUEST_TOKENS
        return self.verify(connection, token, kinds)

    def rate_limit(
        self,
        connection: HTTPConnection,
        caller: Caller,
        operation: Operation,
        session_id: str | None,
    ) -> RequestRateLimit:
        """Return the rate-limit state of the request."""
        address = client_address(connection, self._trusted_hops)
        name = session_id and session_name(session_id.lower(), caller.tenant)
        return self._limiter.for_request(caller, address, operation, name)

    def authorize(
        self,
        connection: HTTPConnection,
        caller: Caller,
        operation: Operation,
        session_id: str | None,
        rate_limit: RequestRateLimit,
    ) -> Authorization:
        """Authorize `operation`, on the session `session_id` if there is one.

        Raises `RateLimitExceeded` if a limit is known to be exhausted, `Forbidden`, and
        `SessionNotFound` if the token is for another session.
        """
        rate_limit.check()
        if self._origins:
            self._origins.check(connection, operation)
        return authorize(caller, operation, session_id and session_id.lower(), rate_limit)

    def admit_joiner(self, connection: HTTPConnection) -> tuple[str, RequestRateLimit]:
        """Admit a person without a token; return the address, and the limit of its reads.

        Raises `RateLimitExceeded` if the limit is known to be exhausted, and `Forbidden` for a page
        of another origin.
        """
        address = client_address(connection, self._trusted_hops)
        rate_limit = self._limiter.for_request(_JOINER, address, Operation.READ, None)
        rate_limit.check()
        if self._origins:
            self._origins.check(connection, Operation.ADD_PARTICIPANT)
        return address, rate_limit

    async def verify(
        self, connection: HTTPConnection, token: str | None, kinds: frozenset[TokenKind]
    ) -> Caller:
        """Return the caller that `token`, which may be an API key, names.

        Raises `Unauthenticated`, `RateLimitExceeded` if too many wrong API keys came from the
        address of `connection`, and `StoreUnavailable` if the issuer's keys can't be fetched.
        """
        if self._tokens is None:
            return UNAUTHENTICATED_CALLER
        if token is None:
            raise Unauthenticated
        if self._api_keys.is_key(token):
            return await self._verify_key(token, connection)
        caller = await self._tokens.verify(token, kinds)
        if caller.key_id:
            await self._api_keys.require_valid(caller.key_id)
        return caller

    async def _verify_key(self, key: str, connection: HTTPConnection) -> Caller:
        """Verify an API key. An address with too many wrong ones must wait; it can't delay callers
        whose key this instance knows."""
        failures = self._limiter.for_wrong_keys(client_address(connection, self._trusted_hops))
        if not self._api_keys.was_valid(key):
            failures.check()
        try:
            return await self._api_keys.verify(key)
        except Unauthenticated:
            failures.finish()
            raise

    async def require_unrevoked(self, caller: Caller) -> None:
        """Raise `Unauthenticated` if the caller's token or API key has been revoked meanwhile.

        A request that loads its session needn't call this. Raises `StoreUnavailable`.
        """
        if caller.key_id:
            await self._api_keys.require_valid(caller.key_id)
        if caller.token and await self._revocations.is_revoked(caller.token):
            raise Unauthenticated(TOKEN_REVOKED_MESSAGE)

    @property
    def requires_tokens(self) -> bool:
        """Whether callers need a token."""
        return self._tokens is not None

    @property
    def can_issue_tokens(self) -> bool:
        """Whether this service can issue tokens."""
        return self._tokens is not None and self._tokens.can_issue_tokens

    def require_authentication(self) -> None:
        """Raise `Forbidden` if authentication is disabled."""
        if self._tokens is None:
            raise Forbidden(
                "API keys have no effect because authentication is disabled: set JWT_SECRET"
            )

    def require_issuer(self) -> TokenService:
        """Return the service that issues tokens. Raises `Forbidden` if this one issues none."""
        if self._tokens is None:
            raise Forbidden(
                "This service issues no tokens because authentication is disabled: set JWT_SECRET"
            )
        self._tokens.require_secret()
        return self._tokens


def _token_in(connection: HTTPConnection, *, even_in_query: bool) -> str | None:
    """Return the token from the header, or with `even_in_query` from the query.

    Browsers can't set header fields of WebSockets and event streams.
    """
    header = connection.headers.get("authorization", "")
    if header[: len(_SCHEME)].lower() == _SCHEME:
        return header[len(_SCHEME) :].strip()
    return connection.query_params.get("token") if even_in_query else None
