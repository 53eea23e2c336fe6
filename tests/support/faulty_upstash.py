"""Fault injector for the local Upstash: requests fail on demand."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

Fault = Callable[[ASGIApp, Scope, Receive, Send], Awaitable[None]]


async def internal_error(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer 500 with an HTML page instead of JSON."""
    await PlainTextResponse("<h1>Bad day</h1>", 500)(scope, receive, send)


async def quota_exceeded(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer 429 as a database over its quota does."""
    error = {"error": "ERR max daily request limit exceeded"}
    await JSONResponse(error, 429)(scope, receive, send)


class FaultInjector:
    """Wraps the endpoint. Requests to one path fail: `/` (a commit) or `/pipeline` (a load)."""

    def __init__(self) -> None:
        self._failing: Fault | None = None
        self._at = ""
        self.count = 0
        """Number of requests that failed since the last `of`."""

    @contextmanager
    def of(self, failing: Fault, at: str) -> Iterator[None]:
        """Let all requests to `at` fail within the block."""
        self._failing, self._at, self.count = failing, at, 0
        yield
        self._failing = None

    def around(self, app: ASGIApp) -> ASGIApp:
        """Return `app` with the faults."""

        async def faulty(scope: Scope, receive: Receive, send: Send) -> None:
            if self._failing and scope["path"] == self._at:
                self.count += 1
                await self._failing(app, scope, receive, send)
            else:
                await app(scope, receive, send)

        return faulty
