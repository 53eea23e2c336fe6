"""Server of the AWS Lambda Runtime API (2018-06-01) for one instance."""

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

from infra.local.functions.credentials import CREDENTIALS_PATH, get_credentials

_BASE = "/2018-06-01/runtime"
_ACCEPTED = 202
_GONE = 410


class FunctionError(Exception):
    """An invocation or a start failed. `kind` is Lambda's `errorType`."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.message = message


@dataclass(slots=True)
class Invocation:
    """One invocation of an instance."""

    event: bytes
    deadline_ms: int
    answer: asyncio.Future[Any]
    id: str = field(default_factory=lambda: str(uuid4()))


class RuntimeApi:
    """The Runtime API of one instance, and the instance's state as reported through it."""

    def __init__(self, arn: str) -> None:
        loop = asyncio.get_running_loop()
        self.snapshot_ready: asyncio.Future[None] = loop.create_future()
        """Done when a function with SnapStart is ready for its snapshot (`/restore/next`)."""
        self.ready: asyncio.Future[None] = loop.create_future()
        """Done when the instance has asked for its first invocation."""
        self.failed: asyncio.Future[FunctionError] = loop.create_future()
        """Done with the error when initialization or restore has failed."""
        self.restored = asyncio.Event()
        self.current: Invocation | None = None
        self._arn = arn
        self._pending: asyncio.Queue[Invocation | None] = asyncio.Queue()

    def submit(self, event: Any, timeout_s: float) -> Invocation:
        """Pass `event` to the instance. The future `answer` gets its result or `FunctionError`."""
        deadline_ms = int((time.time() + timeout_s) * 1000)
        answer = asyncio.get_running_loop().create_future()
        self.current = Invocation(json.dumps(event).encode(), deadline_ms, answer)
        self._pending.put_nowait(self.current)
        return self.current

    def close(self) -> None:
        """End the pending long polls of the instance."""
        self.restored.set()
        self._pending.put_nowait(None)

    def app(self) -> Starlette:
        """Return the ASGI application."""
        invocation = f"{_BASE}/invocation"
        return Starlette(
            routes=[
                Route(f"{invocation}/next", self._next),
                Route(f"{invocation}/{{id}}/response", self._response, methods=["POST"]),
                Route(f"{invocation}/{{id}}/error", self._error, methods=["POST"]),
                Route(f"{_BASE}/init/error", self._start_error, methods=["POST"]),
                Route(f"{_BASE}/restore/next", self._restore_next),
                Route(f"{_BASE}/restore/error", self._start_error, methods=["POST"]),
                Route(CREDENTIALS_PATH, get_credentials),
            ]
        )

    async def _next(self, _: Request) -> Response:
        _resolve(self.ready)
        invocation = await self._pending.get()
        if invocation is None:
            return Response(status_code=_GONE)
        headers = {
            "Lambda-Runtime-Aws-Request-Id": invocation.id,
            "Lambda-Runtime-Deadline-Ms": str(invocation.deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": self._arn,
        }
        return Response(invocation.event, headers=headers, media_type="application/json")

    async def _response(self, request: Request) -> Response:
        result = json.loads(await request.body() or b"null")
        if (invocation := self._finish(request)) is not None:
            invocation.answer.set_result(result)
        return _accepted()

    async def _error(self, request: Request) -> Response:
        failure = await _failure(request)
        if (invocation := self._finish(request)) is not None:
            invocation.answer.set_exception(failure)
        return _accepted()

    def _finish(self, request: Request) -> Invocation | None:
        """End the current invocation and return it if the request names it and it is awaited."""
        invocation = self.current
        if invocation is None or invocation.id != request.path_params["id"]:
            return None
        self.current = None
        return None if invocation.answer.done() else invocation

    async def _restore_next(self, _: Request) -> Response:
        _resolve(self.snapshot_ready)
        await self.restored.wait()
        return Response()

    async def _start_error(self, request: Request) -> Response:
        failure = await _failure(request)
        if not self.failed.done():
            self.failed.set_result(failure)
        return _accepted()


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


async def _failure(request: Request) -> FunctionError:
    error = json.loads(await request.body() or b"{}")
    return FunctionError(error.get("errorType") or "Unknown", error.get("errorMessage") or "")


def _accepted() -> Response:
    return JSONResponse({"status": "OK"}, status_code=_ACCEPTED)
