"""A short cut for the two endpoints that carry nearly all requests: read and switch.

FastAPI's layers cost such a request more than all its own work. What comes in its plainest form is
handed straight to the endpoint's own function; everything else, and whatever is wrong with a
request, goes the long way and is answered there.
"""

import re
from collections.abc import Awaitable
from typing import Any

import msgspec
from fastapi import Request, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from functions.sessions import read, switch
from shared.domain.errors import Refusal
from shared.errors import ServiceError
from shared.http.bodies import SwitchBody
from shared.http.calls import ChangeCall
from shared.http.errors import answer_to, request_id_of

_READ = re.compile(r"/v1/sessions/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
_SWITCH = re.compile(_READ.pattern + "/switch")
_NOT_PLAIN = frozenset({b"if-match", b"idempotency-key", b"transfer-encoding"})
_JSON = b"application/json"


class Shortcut:
    """Takes what is plain; knows no rule that the long way doesn't have."""

    def __init__(self, app: ASGIApp) -> None:
        self._long_way = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        method, path = scope.get("method"), scope.get("path", "")
        if method == "GET" and (match := _READ.fullmatch(path)):
            await _answer(_read(match[1], Request(scope)), scope, receive, send, read.router)
        elif method == "POST" and (match := _SWITCH.fullmatch(path)) and _is_plain(scope):
            first = await receive()
            try:
                body = _switch_body(first)
            except (ValueError, RecursionError):
                await self._long_way(scope, _replaying(first, receive), send)
                return
            call = ChangeCall(Request(scope), None, None)
            await _answer(switch.switch(match[1], call, body), scope, receive, send, switch.router)
        else:
            await self._long_way(scope, receive, send)


async def _answer(
    endpoint: Awaitable[Response], scope: Scope, receive: Receive, send: Send, router: Any
) -> None:
    (scope["route"],) = router.routes
    try:
        response = await endpoint
    except (ServiceError, Refusal) as error:
        response = answer_to(error, request_id_of(Request(scope)))
    await response(scope, receive, send)


def _read(session_id: str, request: Request) -> Awaitable[Response]:
    return read.read(session_id, request, request.headers.get("if-none-match"))


def _is_plain(scope: Scope) -> bool:
    """Whether a switch comes with nothing that has rules of its own."""
    return not any(
        name in _NOT_PLAIN or (name == b"content-type" and value != _JSON)
        for name, value in scope["headers"]
    )


def _switch_body(message: Message) -> SwitchBody | None:
    """The body, if it came whole. Raises `ValueError` for one that the long way must judge."""
    if message["type"] != "http.request" or message.get("more_body"):
        raise ValueError
    content = message.get("body")
    value = msgspec.json.decode(content) if content else None
    return None if value is None else SwitchBody.model_validate(value)


def _replaying(first: Message, receive: Receive) -> Receive:
    """`receive` from the beginning, with the message that was taken already."""
    taken = [first]

    async def again() -> Message:
        return taken.pop() if taken else await receive()

    return again
