"""A short cut for the endpoints that carry nearly all requests: read, switch and create.

FastAPI's layers cost such a request more than all its own work. What comes in its plainest form is
handed straight to the endpoint's own function; everything else, and whatever is wrong with a
request, goes the long way and is answered there.
"""

import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, NamedTuple

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from functions.sessions import create, read, switch
from shared.domain.errors import Refusal
from shared.errors import ServiceError
from shared.http import strict_json
from shared.http.bodies import SwitchBody
from shared.http.calls import ChangeCall
from shared.http.creation_bodies import CreateBody
from shared.http.errors import answer_to, request_id_of
from shared.http.gate import gate_of

_CREATE = "/v1/sessions"
_READ = re.compile(r"/v1/sessions/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
_SWITCH = re.compile(_READ.pattern + "/switch")
_HEADERS_WITH_RULES = frozenset(
    {b"if-match", b"idempotency-key", b"transfer-encoding", b"content-encoding"}
)
_JSON = b"application/json"


class _NotPlain(Exception):
    """A body that isn't right, or not there yet."""


class _Change(NamedTuple):
    """An endpoint that takes a body of `model`, or perhaps none, and how to call it."""

    session_id: str | None
    router: APIRouter
    model: type[BaseModel]
    needs_body: bool
    serve: Callable[[ChangeCall, Any], Awaitable[Response]]


class Shortcut:
    """Takes what is plain; knows no rule that the long way doesn't have."""

    def __init__(self, app: ASGIApp) -> None:
        self._long_way = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        method, path = scope.get("method"), scope.get("path", "")
        if method == "GET" and (match := _READ.fullmatch(path)):
            serve = partial(_read, match[1])
            await _answer(serve, match[1], read.router, scope, receive, send)
        elif method == "POST" and (change := _change_at(path)) and _is_plain(scope):
            await self._change(change, scope, receive, send)
        else:
            await self._long_way(scope, receive, send)

    async def _change(self, change: _Change, scope: Scope, receive: Receive, send: Send) -> None:
        first: Message | None = None

        async def serve(request: Request) -> Response:
            nonlocal first
            first = await receive()
            return await change.serve(ChangeCall(request), _body(first, change))

        try:
            await _answer(serve, change.session_id, change.router, scope, receive, send)
        except _NotPlain:
            assert first
            await self._long_way(scope, _replaying(first, receive), send)


async def _answer(
    serve: Callable[[Request], Awaitable[Response]],
    session_id: str | None,
    router: APIRouter,
    scope: Scope,
    receive: Receive,
    send: Send,
) -> None:
    (scope["route"],) = router.routes
    request = Request(scope)
    try:
        await gate_of(request).admit(request, scope["route"].operation, session_id)
        response = await serve(request)
    except (ServiceError, Refusal) as error:
        response = answer_to(error, request_id_of(request))
    await response(scope, receive, send)


def _read(session_id: str, request: Request) -> Awaitable[Response]:
    return read.read(session_id, request)


def _change_at(path: str) -> _Change | None:
    if match := _SWITCH.fullmatch(path):
        return _Change(match[1], switch.router, SwitchBody, False, partial(switch.switch, match[1]))
    if path == _CREATE:
        return _Change(None, create.router, CreateBody, True, create.create)
    return None


def _is_plain(scope: Scope) -> bool:
    """Whether a change comes with nothing that has rules of its own."""
    return not any(
        name in _HEADERS_WITH_RULES or (name == b"content-type" and value != _JSON)
        for name, value in scope["headers"]
    )


def _body(message: Message, change: _Change) -> BaseModel | None:
    """The body, if it came whole. Raises `_NotPlain` for one that the long way must judge."""
    if message["type"] != "http.request" or message.get("more_body"):
        raise _NotPlain
    content = message.get("body")
    try:
        value = strict_json.parse(content) if content else None
        if value is None and not change.needs_body:
            return None
        return change.model.model_validate(value)
    except ValueError as error:
        raise _NotPlain from error


def _replaying(first: Message, receive: Receive) -> Receive:
    """`receive` from the beginning, with the message that was taken already."""
    taken = [first]

    async def again() -> Message:
        return taken.pop() if taken else await receive()

    return again
