"""`GET /ws?sessionId=`: live pushes over a WebSocket (docs/realtime.md)."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from pydantic import TypeAdapter, ValidationError

from functions.container.connections.websocket import TRY_SEND_EXTENSION
from functions.container.live.connection import LiveConnection
from functions.container.live.measurement import measurement_in
from functions.container.live.subscription import LiveConnections
from shared.application.authorization import Caller, Operation
from shared.application.errors import ServiceError, StoreUnavailable
from shared.auth.tokens import SUBSCRIPTION_TOKENS
from shared.http import strict_json
from shared.http.access_control import AccessControl
from shared.http.fields import Uuid
from shared.realtime.listener import CLOSED

_NORMAL, _GOING_AWAY, _POLICY, _TRY_LATER = 1000, 1001, 1008, 1013

_REFUSED = 4000
"""Base of close codes that carry an HTTP status: 4401 means that the token isn't valid."""

Message = dict[str, Any]
Verify = Callable[[str], Awaitable[Caller]]
"""Returns the caller that a token or API key names, or raises a `ServiceError`."""

_uuid = TypeAdapter(Uuid)


def router_of(live: LiveConnections) -> APIRouter:
    """Return the router of `/ws`."""
    router = APIRouter()

    @router.websocket("/ws")
    @router.websocket("/ws/")
    async def follow(websocket: WebSocket) -> None:
        """Push every message of a session, which need not exist yet, until either side closes."""
        await websocket.accept()
        given = websocket.query_params.get("sessionId")
        if not given:
            await websocket.close(_POLICY, "Missing sessionId parameter")
            return
        access_control = live.components.access_control
        try:
            session_id = _uuid.validate_python(given)
            authorization = await access_control.admit(websocket, Operation.SUBSCRIBE, session_id)
            query = websocket.query_params
            async with live.subscribe(
                authorization,
                session_id,
                "websocket",
                takes_differences=query.get("differences") == "1",
                with_presence=query.get("presence") == "1",
            ) as connection:
                if extension := websocket.scope.get("extensions", {}).get(TRY_SEND_EXTENSION):
                    connection.send_directly_by(extension["send"])
                await connection.begin(with_state=query.get("sync") == "1")
                await _converse(websocket, connection, partial(_verify, access_control, websocket))
        except ValidationError:
            await websocket.close(_POLICY, "Invalid sessionId format")
        except StoreUnavailable:
            await websocket.close(_TRY_LATER, "The session store can't be reached right now")
        except ServiceError as error:
            await websocket.close(_REFUSED + error.status, error.message)

    return router


async def _verify(access_control: AccessControl, websocket: WebSocket, token: str) -> Caller:
    return await access_control.verify(websocket, token, SUBSCRIPTION_TOKENS)


async def _converse(websocket: WebSocket, connection: LiveConnection, verify: Verify) -> None:
    """Receive and send concurrently; when one of them ends, cancel the other."""
    tasks = {
        asyncio.create_task(_receive_messages(websocket, connection, verify)),
        asyncio.create_task(_send_messages(websocket, connection)),
    }
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        if not task.cancelled() and not isinstance(task.exception(), WebSocketDisconnect):
            task.result()


async def _send_messages(websocket: WebSocket, connection: LiveConnection) -> None:
    while True:
        push = await connection.next()
        if push is CLOSED:
            await websocket.close(_GOING_AWAY, "Reconnect")
            return
        await websocket.send_text(push.text)
        if push.type == "SESSION_DELETED":
            await websocket.close(_NORMAL, "The session was deleted")
            return


async def _receive_messages(
    websocket: WebSocket, connection: LiveConnection, verify: Verify
) -> None:
    while True:
        frame = await websocket.receive()
        if frame["type"] == "websocket.disconnect":
            return
        try:
            await _answer(_message_in(frame), connection, verify)
        except ServiceError as error:
            await connection.send_error(error.code, error.message)


async def _answer(message: Message | None, connection: LiveConnection, verify: Verify) -> None:
    if message is None:
        await connection.send_error("INVALID_MESSAGE", "A message must be a JSON object")
    elif handler := MESSAGES.get(str(message.get("type"))):
        await handler(message, connection, verify)
    else:
        await connection.send_error(
            "UNKNOWN_TYPE", f"The type must be one of {', '.join(MESSAGES)}"
        )


async def _ping(message: Message, connection: LiveConnection, _: Verify) -> None:
    try:
        measurement = measurement_in(message)
    except ValueError as error:
        await connection.send_error("INVALID_MESSAGE", str(error))
        return
    measurement.note_in(connection)
    await connection.pong(message.get("clientTimestamp"))


async def _reconnect(_: Message, connection: LiveConnection, __: Verify) -> None:
    await connection.send_state()


async def _authenticate(message: Message, connection: LiveConnection, verify: Verify) -> None:
    token = message.get("token")
    if isinstance(token, str):
        await connection.reauthenticate(await verify(token))
    else:
        await connection.send_error("INVALID_MESSAGE", "AUTHENTICATE needs a token")


MESSAGES: dict[str, Callable[[Message, LiveConnection, Verify], Awaitable[None]]] = {
    "PING": _ping,
    "RECONNECT": _reconnect,
    "AUTHENTICATE": _authenticate,
}
"""Handlers of the message types that a client may send."""


def _message_in(frame: Any) -> Message | None:
    try:
        message = strict_json.parse_json(frame.get("text") or frame.get("bytes") or b"")
    except ValueError:
        return None
    return message if isinstance(message, dict) else None
