"""An Upstash that refuses on demand."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

Fault = Callable[[ASGIApp, Scope, Receive, Send], Awaitable[None]]


async def internal_error(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """500, with a page for people."""
    await PlainTextResponse("<h1>Bad day</h1>", 500)(scope, receive, send)


async def quota_exceeded(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """429, as a database over its quota answers."""
    error = {"error": "ERR max daily request limit exceeded"}
    await JSONResponse(error, 429)(scope, receive, send)


class FaultInjector:
    """Wraps the endpoint; `at` says which requests fail: `/` (a commit) or `/pipeline` (a load)."""

    def __init__(self) -> None:
        self._failing: Fault | None = None
        self._at = ""

    @contextmanager
    def of(self, failing: Fault, at: str) -> Iterator[None]:
        """Let every request there fail."""
        self._failing, self._at = failing, at
        yield
        self._failing = None

    def around(self, app: ASGIApp) -> ASGIApp:
        """The endpoint in trouble."""

        async def troubled(scope: Scope, receive: Receive, send: Send) -> None:
            if self._failing and scope["path"] == self._at:
                await self._failing(app, scope, receive, send)
            else:
                await app(scope, receive, send)

        return troubled
