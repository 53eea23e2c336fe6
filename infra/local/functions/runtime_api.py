"""The Runtime API that one instance takes its work from (AWS Lambda Runtime API 2018-06-01)."""

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infra.local.functions.credentials import CREDENTIALS_PATH, credentials
from infra.local.functions.failures import FunctionFailed

_VERSION = "/2018-06-01/runtime"
_ACCEPTED = 202
_GONE = 410


@dataclass(slots=True)
class Invocation:
    """One event on its way through an instance."""

    event: bytes
    deadline_ms: int
    answer: asyncio.Future[Any]
    id: str = field(default_factory=lambda: str(uuid4()))


class RuntimeApi:
    """What an instance asks, and what it has told so far."""

    def __init__(self, arn: str) -> None:
        loop = asyncio.get_running_loop()
        self.at_snapshot: asyncio.Future[None] = loop.create_future()
        """Done when a function with SnapStart is where its snapshot would be taken."""
        self.ready: asyncio.Future[None] = loop.create_future()
        """Done when it has asked for work."""
        self.failed: asyncio.Future[FunctionFailed] = loop.create_future()
        """Done when it can't start, with the reason."""
        self.restored = asyncio.Event()
        self.current: Invocation | None = None
        self._arn = arn
        self._work: asyncio.Queue[Invocation | None] = asyncio.Queue()

    def submit(self, event: Any, timeout_s: float) -> Invocation:
        """Hand over `event`; its `answer` has the result or raises `FunctionFailed`."""
        deadline_ms = int((time.time() + timeout_s) * 1000)
        answer = asyncio.get_running_loop().create_future()
        self.current = Invocation(json.dumps(event).encode(), deadline_ms, answer)
        self._work.put_nowait(self.current)
        return self.current

    def close(self) -> None:
        """Let go of whoever waits here."""
        self.restored.set()
        self._work.put_nowait(None)

    def app(self) -> Starlette:
        """The HTTP side."""
        invocation = f"{_VERSION}/invocation"
        return Starlette(
            routes=[
                Route(f"{invocation}/next", self._next),
                Route(f"{invocation}/{{id}}/response", self._response, methods=["POST"]),
                Route(f"{invocation}/{{id}}/error", self._error, methods=["POST"]),
                Route(f"{_VERSION}/init/error", self._cannot_start, methods=["POST"]),
                Route(f"{_VERSION}/restore/next", self._restore),
                Route(f"{_VERSION}/restore/error", self._cannot_start, methods=["POST"]),
                Route(CREDENTIALS_PATH, credentials),
            ]
        )

    async def _next(self, _: Request) -> Response:
        _settle(self.ready)
        invocation = await self._work.get()
        if invocation is None:
            return Response(status_code=_GONE)
        headers = {
            "Lambda-Runtime-Aws-Request-Id": invocation.id,
            "Lambda-Runtime-Deadline-Ms": str(invocation.deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": self._arn,
        }
        return Response(invocation.event, headers=headers, media_type="application/json")

    async def _response(self, request: Request) -> Response:
        answer = json.loads(await request.body() or b"null")
        if (invocation := self._finish(request)) is not None:
            invocation.answer.set_result(answer)
        return _accepted()

    async def _error(self, request: Request) -> Response:
        failure = await _failure(request)
        if (invocation := self._finish(request)) is not None:
            invocation.answer.set_exception(failure)
        return _accepted()

    def _finish(self, request: Request) -> Invocation | None:
        """The invocation that this is the end of, unless nobody waits for it any more."""
        invocation = self.current
        if invocation is None or invocation.id != request.path_params["id"]:
            return None
        self.current = None
        return None if invocation.answer.done() else invocation

    async def _restore(self, _: Request) -> Response:
        _settle(self.at_snapshot)
        await self.restored.wait()
        return Response()

    async def _cannot_start(self, request: Request) -> Response:
        failure = await _failure(request)
        if not self.failed.done():
            self.failed.set_result(failure)
        return _accepted()


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


async def _failure(request: Request) -> FunctionFailed:
    told = json.loads(await request.body() or b"{}")
    return FunctionFailed(told.get("errorType") or "Unknown", told.get("errorMessage") or "")


def _accepted() -> Response:
    return JSONResponse({"status": "OK"}, status_code=_ACCEPTED)
