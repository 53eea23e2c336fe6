"""An Upstash that fails on demand: refuses, stays silent, or loses the reply of what it did."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

Failing = Callable[[ASGIApp, Scope, Receive, Send], Awaitable[None]]


async def broken(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """500, with a page for people."""
    await PlainTextResponse("<h1>Bad day</h1>", 500)(scope, receive, send)


async def too_many(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """429, as a database over its quota answers."""
    error = {"error": "ERR max daily request limit exceeded"}
    await JSONResponse(error, 429)(scope, receive, send)


async def silent(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Nothing, for as long as the client waits."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def forgetful(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Does what it was asked, and breaks the connection before the reply is out."""

    async def drop(message: Any) -> None:
        pass

    await app(scope, receive, drop)
    headers = [(b"content-length", b"1000")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"{", "more_body": True})
    raise ConnectionAbortedError


class Trouble:
    """Wraps the endpoint; `at` says which requests fail: `/` (a commit) or `/pipeline` (a load)."""

    def __init__(self) -> None:
        self._failing: Failing | None = None
        self._at = ""
        self._times = 0

    @contextmanager
    def of(self, failing: Failing, at: str, times: int = 1_000) -> Iterator[None]:
        """Let the next `times` requests there fail."""
        self._failing, self._at, self._times = failing, at, times
        yield
        self._failing = None

    def around(self, app: ASGIApp) -> ASGIApp:
        """The endpoint in trouble."""

        async def troubled(scope: Scope, receive: Receive, send: Send) -> None:
            if self._failing and scope["path"] == self._at and self._times > 0:
                self._times -= 1
                await self._failing(app, scope, receive, send)
            else:
                await app(scope, receive, send)

        return troubled
