"""Run a project's Realtime on a loopback port, in a separate thread."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import replace

from anyio import CancelScope
from anyio.from_thread import start_blocking_portal
from starlette.types import ASGIApp

from infra.local.ports import free_port
from infra.local.realtime.database import SqlBroadcasts
from infra.local.realtime.endpoint import create_app
from infra.local.realtime.faults import Faults
from infra.local.realtime.options import RealtimeOptions
from infra.local.realtime.policies import Policies
from infra.local.realtime.project import ProjectState
from infra.local.realtime.server import RealtimeServer
from infra.local.realtime.upstream import ReverseProxy
from infra.local.serving import bind_loopback
from infra.local.supabase import PUBLISHABLE_KEY, SECRET_KEY


class LocalRealtime:
    """One project on the Postgres at `database_url`. Keeps its URL when stopped and restarted."""

    def __init__(self, database_url: str, options: RealtimeOptions, upstream: str | None) -> None:
        self.mischief = Faults()
        self._database_url = database_url
        self._options = replace(options, port=options.port or free_port())
        self._upstream = upstream
        self._running: ExitStack | None = None

    @property
    def url(self) -> str:
        """The value for `SUPABASE_URL`."""
        return f"http://127.0.0.1:{self._options.port}"

    @property
    def jwt_secret(self) -> str:
        """The project's JWT secret (HS256)."""
        return self._options.jwt_secret

    def settings(self) -> dict[str, str]:
        """Return the settings of a service that uses this project."""
        return {
            "SUPABASE_URL": self.url,
            "SUPABASE_SERVICE_ROLE_KEY": SECRET_KEY,
            "SUPABASE_PUBLISHABLE_KEY": PUBLISHABLE_KEY,
            "SUPABASE_JWT_SECRET": self.jwt_secret,
        }

    def start(self) -> None:
        """Start and wait until ready. Raises `PoolTimeout` if Postgres is unavailable, and
        `OSError` if the port is taken."""
        if self._running is None:
            with ExitStack() as stack:
                portal = stack.enter_context(start_blocking_portal())
                stack.enter_context(portal.wrap_async_context_manager(self._run()))
                self._running = stack.pop_all()

    def stop(self) -> None:
        """Close all connections and the port."""
        if self._running is not None:
            self._running.close()
            self._running = None

    @asynccontextmanager
    async def _run(self) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            policies = Policies(self._database_url)
            stack.push_async_callback(policies.close)
            await policies.open()
            project = ProjectState(self._options, self.mischief, policies)
            upstream = ReverseProxy(self._upstream)
            stack.push_async_callback(upstream.close)
            database = SqlBroadcasts(self._database_url, policies, project.topics)
            await stack.enter_async_context(_publishing(database))
            await stack.enter_async_context(self._serve(create_app(project, upstream)))
            yield

    @asynccontextmanager
    async def _serve(self, app: ASGIApp) -> AsyncIterator[None]:
        with bind_loopback(self._options.port) as bound:
            server = RealtimeServer(app)
            self.mischief.attach(server.abort_sockets)
            serving = asyncio.create_task(server.serve([bound]))
            try:
                await server.there.wait()
                yield
            finally:
                self.mischief.detach()
                server.should_exit = True
                with CancelScope(shield=True):
                    await serving


@contextmanager
def local_realtime(
    database_url: str, options: RealtimeOptions | None = None, *, upstream: str | None = None
) -> Iterator[LocalRealtime]:
    """Run a project until the end of the block; enter the block once it is ready.

    The database must have been set up by `prepare_realtime`. Requests for other services, such as
    PostgREST, are forwarded to the server at `upstream`.
    """
    server = LocalRealtime(database_url, options or RealtimeOptions(), upstream)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@asynccontextmanager
async def _publishing(database: SqlBroadcasts) -> AsyncIterator[None]:
    task = asyncio.create_task(database.run())
    try:
        await database.listens.wait()
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
