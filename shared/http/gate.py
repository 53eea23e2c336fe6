"""Authenticates and authorizes the caller of every endpoint, socket and event stream."""

from starlette.requests import HTTPConnection

from shared.access.allowance import Allowance, RateLimiter
from shared.access.callers import ANYBODY, Caller
from shared.access.permits import Permit, permit
from shared.access.rights import Operation
from shared.access.tokens import CALLING, SUBSCRIBING, Kind, Tokens
from shared.domain.naming import session_name
from shared.errors import Forbidden, Unauthenticated
from shared.http.client_address import client_address
from shared.http.origins import Origins

_SCHEME = "bearer "


class Gate:
    """Gives a request its `Permit`, or raises the error that is its answer.

    Without `tokens` there is no authentication: every caller may do everything, but for pages of
    other `origins`.
    """

    def __init__(
        self,
        tokens: Tokens | None,
        limiter: RateLimiter,
        trusted_hops: int = 0,
        origins: Origins | None = None,
    ) -> None:
        self._tokens = tokens
        self._origins = origins
        self._limiter = limiter
        self._trusted_hops = trusted_hops

    async def admit(
        self, connection: HTTPConnection, operation: Operation, session_id: str
    ) -> Permit:
        """All three checks of a connection that is no request, as `Pipeline` does them one by one.

        Raises what they raise.
        """
        caller = await self.authenticate(connection, operation)
        allowance = self.allowance(connection, caller, operation, session_id)
        return self.authorize(connection, caller, operation, session_id, allowance)

    async def authenticate(self, connection: HTTPConnection, operation: Operation) -> Caller:
        """The caller that the token of the request names. Raises `Unauthenticated`."""
        if self._tokens is None:
            return ANYBODY
        is_live = operation is Operation.SUBSCRIBE
        token = _token_in(connection, even_in_query=is_live)
        return await self.caller_of(token, SUBSCRIBING if is_live else CALLING)

    def allowance(
        self,
        connection: HTTPConnection,
        caller: Caller,
        operation: Operation,
        session_id: str | None,
    ) -> Allowance:
        """What the request takes from the quotas of its caller and of its session."""
        address = client_address(connection, self._trusted_hops)
        name = session_id and session_name(session_id.lower(), caller.tenant)
        return self._limiter.allowance(caller, address, operation, name)

    def authorize(
        self,
        connection: HTTPConnection,
        caller: Caller,
        operation: Operation,
        session_id: str | None,
        allowance: Allowance,
    ) -> Permit:
        """The permit for `operation`, on the session of that id where it is on one.

        Raises `RateLimitExceeded` where the quota is known to be used up, `Forbidden`, and
        `SessionNotFound` for a token of another session.
        """
        allowance.require()
        if self._origins:
            self._origins.check(connection, operation)
        return permit(caller, operation, session_id and session_id.lower(), allowance)

    async def caller_of(self, token: str | None, kinds: frozenset[Kind]) -> Caller:
        """Whom `token` names. Raises `Unauthenticated`."""
        if self._tokens is None:
            return ANYBODY
        if token is None:
            raise Unauthenticated
        return await self._tokens.caller_of(token, kinds)

    @property
    def mints(self) -> bool:
        """Whether tokens can be made here."""
        return self._tokens is not None and self._tokens.signs

    def require_minting(self) -> None:
        """Raises `Forbidden` where this service signs no tokens."""
        if self._tokens is None:
            raise Forbidden("This service asks for no tokens, so it makes none: set JWT_SECRET")
        self._tokens.require_signing()

    def mint(
        self, kind: Kind, caller: Caller, lifetime_s: int, issued_at_s: int | None = None
    ) -> tuple[str, int]:
        """See `Tokens.mint`. Raises `Forbidden` where this service signs no tokens."""
        self.require_minting()
        assert self._tokens
        return self._tokens.mint(kind, caller, lifetime_s, issued_at_s)


def _token_in(connection: HTTPConnection, *, even_in_query: bool) -> str | None:
    """The token of the header; of the query too where a browser can send no header of its own."""
    header = connection.headers.get("authorization", "")
    if header[: len(_SCHEME)].lower() == _SCHEME:
        return header[len(_SCHEME) :].strip()
    return connection.query_params.get("token") if even_in_query else None
