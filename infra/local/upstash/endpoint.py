"""The REST API as an ASGI application."""

from itertools import count
from secrets import token_hex

from redis.exceptions import RedisError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from infra.local.upstash.backend import RedisBackend
from infra.local.upstash.command_table import ReadOnlyCommands
from infra.local.upstash.errors import Command, ErrorReply, RequestError, permission_error
from infra.local.upstash.execution import CommandExecutor
from infra.local.upstash.replies import envelope
from infra.local.upstash.request_log import RequestLog
from infra.local.upstash.request_parsing import (
    is_pipeline,
    is_transaction,
    parse_commands,
    path_of,
    read_body,
)
from infra.local.upstash.subscriptions import EventStreams, is_subscription
from infra.local.upstash.tokens import AccessTokens

_METHODS = ["HEAD", "GET", "POST", "PUT"]


class RestEndpoint:
    """The ASGI application `app`. A new instance doesn't know the scripts of an earlier one."""

    def __init__(self, redis_url: str, tokens: AccessTokens, record: RequestLog) -> None:
        self._tokens = tokens
        self._record = record
        self._backend = RedisBackend(redis_url)
        self._table = ReadOnlyCommands(self._backend)
        self._execution = CommandExecutor(self._backend, self._table)
        self._subscriptions = EventStreams(self._backend)
        self._instance_id = token_hex(4)
        self._changes = count(1)
        self._sync_token = f"{self._instance_id}:0"
        self.app = Starlette(
            routes=[Route("/{words:path}", self._respond, methods=_METHODS)],
            exception_handlers={
                RequestError: _refused,
                HTTPException: _http_error,
                RedisError: _redis_error,
                ClientDisconnect: _disconnected,
            },
        )

    def end_streams(self) -> None:
        """End all event streams."""
        self._subscriptions.end()

    async def close(self) -> None:
        """Close the connections to Redis."""
        await self._backend.close()

    async def _respond(self, request: Request) -> Response:
        commands: list[Command] = []
        try:
            may_write = self._tokens.may_write(request)
            commands = parse_commands(request, await read_body(request))
        finally:
            self._record.add(path_of(request), commands)
        if is_pipeline(request):
            return await self._pipeline(request, commands, may_write)
        if is_transaction(request):
            return await self._transaction(request, commands, may_write)
        if path_of(request) != "/" and is_subscription(commands[0]):
            return await self._stream(commands[0], may_write)
        return await self._single(request, commands[0], may_write)

    async def _single(self, request: Request, command: Command, may_write: bool) -> Response:
        [reply] = await self._execution.each([command], may_write=may_write)
        if not await self._table.is_read_only(command):
            self._note_change()
        status = 400 if isinstance(reply, ErrorReply) else 200
        return self._json(envelope(reply, base64=_wants_base64(request)), status)

    async def _pipeline(
        self, request: Request, commands: list[Command], may_write: bool
    ) -> Response:
        replies = await self._execution.each(commands, may_write=may_write)
        self._note_change()
        return self._json([envelope(r, base64=_wants_base64(request)) for r in replies])

    async def _transaction(
        self, request: Request, commands: list[Command], may_write: bool
    ) -> Response:
        replies = await self._execution.transaction(commands, may_write=may_write)
        self._note_change()
        if isinstance(replies, ErrorReply):
            return self._json({"error": replies.text}, 400)
        return self._json([envelope(r, base64=_wants_base64(request)) for r in replies])

    async def _stream(self, command: Command, may_write: bool) -> Response:
        if not may_write:
            return self._json({"error": permission_error(command).text}, 400)
        events = await self._subscriptions.open(command)
        return StreamingResponse(events, media_type="text/event-stream")

    def _note_change(self) -> None:
        self._sync_token = f"{self._instance_id}:{next(self._changes)}"

    def _json(self, content: object, status: int = 200) -> Response:
        return JSONResponse(content, status, headers={"Upstash-Sync-Token": self._sync_token})


def _wants_base64(request: Request) -> bool:
    return request.headers.get("upstash-encoding", "").lower() == "base64"


def _refused(_: Request, refused: Exception) -> Response:
    assert isinstance(refused, RequestError)
    return JSONResponse({"error": refused.text}, refused.status)


def _http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": f"ERR {error.detail}"}, error.status_code, error.headers)


def _redis_error(_: Request, error: Exception) -> Response:
    return JSONResponse({"error": f"ERR Redis failed: {error}"}, 503)


def _disconnected(_: Request, __: Exception) -> Response:
    return Response(status_code=400)  # never delivered
