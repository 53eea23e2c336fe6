"""The REST API as an ASGI application."""

from base64 import b64encode
from hmac import compare_digest
from itertools import count
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infra.local.upstash.commands import (
    Command,
    RequestError,
    parse_command,
    parse_pipeline,
    refusal,
)
from infra.local.upstash.request_log import RequestLog
from infra.local.upstash.scripts import ScriptTranslator

_MOST_BYTES = 10 * 1024 * 1024
"""Of a request or a response, on all of Upstash's plans below 1 GB."""


class RestEndpoint:
    """The ASGI application `app`. A new instance doesn't know the scripts of an earlier one."""

    def __init__(self, redis: Redis, token: str, record: RequestLog) -> None:
        self._redis = redis
        self._authorization = f"Bearer {token}".encode()
        self._record = record
        self._scripts = ScriptTranslator()
        self._changes = count(1)
        self.app = Starlette(
            routes=[
                Route("/", self._single, methods=["POST"]),
                Route("/pipeline", self._pipeline, methods=["POST"]),
            ],
            exception_handlers={
                RequestError: _refused,
                RedisError: _redis_error,
                ClientDisconnect: _disconnected,
            },
        )

    async def _single(self, request: Request) -> Response:
        commands: list[Command] = []
        try:
            commands = [parse_command(await self._body(request))]
        finally:
            self._record.add("/", commands)
        [item] = await self._execute(request, commands)
        return self._json(item, 400 if "error" in item else 200)

    async def _pipeline(self, request: Request) -> Response:
        commands: list[Command] = []
        try:
            commands = parse_pipeline(await self._body(request))
        finally:
            self._record.add("/pipeline", commands)
        return self._json(await self._execute(request, commands))

    async def _body(self, request: Request) -> bytes:
        """Return the body of an authorized request. Raises `RequestError` for a wrong token."""
        authorization = request.headers.get("authorization", "").encode()
        if not compare_digest(authorization, self._authorization):
            raise RequestError(401, "WRONGPASS invalid or missing auth token")
        body = await request.body()
        _require_size("request", len(body))
        return body

    async def _execute(self, request: Request, commands: list[Command]) -> list[dict[str, Any]]:
        """Run the commands. One that is refused or fails affects no other."""
        base64 = request.headers.get("upstash-encoding", "").lower() == "base64"
        refusals = [refusal(command) for command in commands]
        async with self._redis.pipeline(transaction=False) as pipeline:
            for command, refused in zip(commands, refusals, strict=True):
                if not refused:
                    pipeline.execute_command(*self._scripts.translate(command))
            replies = iter(await pipeline.execute(raise_on_error=False))
        items = [
            {"error": refused} if refused else _item(next(replies), base64) for refused in refusals
        ]
        _require_size("response", sum(map(_size, items)))
        return items

    def _json(self, content: object, status: int = 200) -> Response:
        headers = {"Upstash-Sync-Token": str(next(self._changes))}
        return JSONResponse(content, status, headers)


def _require_size(what: str, actual: int) -> None:
    """Raise `RequestError` for more than Upstash allows."""
    if actual > _MOST_BYTES:
        text = f"ERR max {what} size exceeded. Limit: {_MOST_BYTES} bytes, Actual: {actual} bytes"
        raise RequestError(400, text)


def _size(value: Any) -> int:
    """Return about the bytes that a value of a response takes."""
    if isinstance(value, dict):
        return sum(map(_size, value.values()))
    if isinstance(value, list):
        return sum(map(_size, value))
    return len(str(value))


def _item(reply: Any, base64: bool) -> dict[str, Any]:
    """Return the JSON object for a reply in RESP2. An error is never in base64."""
    if isinstance(reply, ResponseError):
        # redis-py removes the error codes that it knows.
        return {"error": f"{reply.status_code} {reply}" if reply.status_code else str(reply)}
    return {"result": _value(reply, base64)}


def _value(reply: Any, base64: bool) -> Any:
    if isinstance(reply, list):
        return [_value(part, base64) for part in reply]
    if isinstance(reply, bytes):
        is_encoded = base64 and reply != b"OK"
        return b64encode(reply).decode() if is_encoded else reply.decode(errors="replace")
    return reply


def _refused(_: Request, refused: Exception) -> Response:
    assert isinstance(refused, RequestError)
    return JSONResponse({"error": refused.text}, refused.status)


def _redis_error(_: Request, error: Exception) -> Response:
    return JSONResponse({"error": f"ERR Redis failed: {error}"}, 503)


def _disconnected(_: Request, __: Exception) -> Response:
    return Response(status_code=400)  # never delivered
