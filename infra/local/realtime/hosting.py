"""Run a project's Realtime on a loopback port, in a separate thread."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from infra.local.realtime.endpoint import create_app
from infra.local.realtime.faults import Faults
from infra.local.realtime.message_rate import MessageRate
from infra.local.realtime.policies import Policies
from infra.local.realtime.presence import Presences
from infra.local.realtime.project import Project
from infra.local.realtime.tokens import TokenVerifier
from infra.local.realtime.upstream import ReverseProxy
from infra.local.serving import RestartableServer, serve
from infra.local.supabase import JWT_SECRET, PUBLISHABLE_KEY, SECRET_KEY

_RATE_LIMIT = 1_000_000
"""Far above what one machine sends, so that only a test that sets a limit reaches it."""


class LocalRealtime(RestartableServer):
    """One project on the Postgres at `database_url`; `url` is the value for `SUPABASE_URL`."""

    def __init__(
        self,
        database_url: str,
        tokens: TokenVerifier,
        upstream: str | None,
        rate_limit: int,
        presence_limit: int,
    ) -> None:
        super().__init__()
        self.faults = Faults()
        self._database_url = database_url
        self._tokens = tokens
        self._upstream = upstream
        self._rate_limit = rate_limit
        self._presence_limit = presence_limit

    def settings(self) -> dict[str, str]:
        """Return the settings of a service that uses this project."""
        return {
            "SUPABASE_URL": self.url,
            "SUPABASE_SERVICE_ROLE_KEY": SECRET_KEY,
            "SUPABASE_PUBLISHABLE_KEY": PUBLISHABLE_KEY,
            "SUPABASE_JWT_SECRET": JWT_SECRET,
        }

    @asynccontextmanager
    async def _serve(self) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            policies = await stack.enter_async_context(Policies.of(self._database_url))
            upstream = ReverseProxy(self._upstream)
            stack.push_async_callback(upstream.close)
            rate = MessageRate(self._rate_limit)
            presences = Presences(MessageRate(self._presence_limit))
            project = Project(self._tokens, policies, self.faults, rate, presences)
            app = create_app(project, upstream)
            server = await stack.enter_async_context(
                serve(app, self._port, ws="websockets-sansio", ws_per_message_deflate=False)
            )
            self.faults.attach(server.abort_websockets)
            stack.callback(self.faults.detach)
            yield


def local_realtime(
    database_url: str,
    *,
    signing_keys: Sequence[Mapping[str, Any]] = (),
    upstream: str | None = None,
    rate_limit: int = _RATE_LIMIT,
    presence_limit: int = _RATE_LIMIT,
) -> LocalRealtime:
    """Return a project, which runs in a `with` block. Entering raises `PoolTimeout` if Postgres
    is unavailable.

    The database must have been set up by `create_project`. Requests for other services, such as
    PostgREST, are forwarded to the server at `upstream`. `signing_keys` are public JWKs with `kid`.
    `rate_limit` is the number of messages per second, sent and delivered, `presence_limit` that of
    presence alone.
    """
    tokens = TokenVerifier(signing_keys)
    return LocalRealtime(database_url, tokens, upstream, rate_limit, presence_limit)
