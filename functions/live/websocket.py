"""`GET /ws?sessionId=`: live pushes over a WebSocket (API §3)."""

import asyncio
from typing import Any

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from pydantic import TypeAdapter, ValidationError

from functions.live.conversation import Conversation
from shared.errors import SessionNotFound, StoreUnavailable
from shared.http import strict_json
from shared.http.fields import Uuid
from shared.realtime.listener import CLOSED

_NORMAL, _GOING_AWAY, _POLICY, _TRY_LATER = 1000, 1001, 1008, 1013

_PATIENCE_S = 10.0
"""How long a client may take to make room for one message before it counts as gone."""

_GONE = (WebSocketDisconnect, TimeoutError)

router = APIRouter()
_uuid = TypeAdapter(Uuid)


@router.websocket("/ws")
async def follow(websocket: WebSocket) -> None:
    """Push every message of a session, which need not exist yet, until either side leaves."""
    await websocket.accept()
    try:
        session_id = _uuid.validate_python(websocket.query_params.get("sessionId"))
    except ValidationError:
        await websocket.close(_POLICY, "sessionId must be given as a valid UUID")
        return
    state = websocket.app.state
    try:
        async with state.channels.listen(session_id) as listener:
            talk = Conversation(session_id, state.service, state.clock, listener)
            talk.greet()
            if websocket.query_params.get("sync") == "1":
                await talk.offer_state()
            with state.metrics.sockets.track_inprogress():
                await _converse(websocket, talk)
    except StoreUnavailable:
        await websocket.close(_TRY_LATER, "The session store can't be reached right now")


async def _converse(websocket: WebSocket, talk: Conversation) -> None:
    """Listen and speak at once; whichever ends first ends both."""
    tasks = {
        asyncio.create_task(_listen(websocket, talk)),
        asyncio.create_task(_speak(websocket, talk)),
    }
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        if not task.cancelled() and not isinstance(task.exception(), _GONE):
            task.result()


async def _speak(websocket: WebSocket, talk: Conversation) -> None:
    while True:
        push = await talk.next()
        if push is CLOSED:
            await websocket.close(_GOING_AWAY, "Reconnect")
            return
        async with asyncio.timeout(_PATIENCE_S):
            await websocket.send_text(push.text)
        if push.type == "SESSION_DELETED":
            await websocket.close(_NORMAL, "The session was deleted")
            return


async def _listen(websocket: WebSocket, talk: Conversation) -> None:
    while True:
        frame = await websocket.receive()
        if frame["type"] == "websocket.disconnect":
            return
        await _answer(_message_in(frame), talk)


async def _answer(message: dict[str, Any] | None, talk: Conversation) -> None:
    match message:
        case {"type": "PING", **fields}:
            await talk.pong(fields.get("clientTimestamp"))
        case {"type": "RECONNECT"}:
            await _send_state(talk)
        case None:
            await talk.complain("INVALID_MESSAGE", "A message must be a JSON object")
        case _:
            await talk.complain("UNKNOWN_TYPE", "The type must be PING or RECONNECT")


async def _send_state(talk: Conversation) -> None:
    try:
        await talk.send_state()
    except (SessionNotFound, StoreUnavailable) as error:
        await talk.complain(error.code, error.message)


def _message_in(frame: Any) -> dict[str, Any] | None:
    try:
        message = strict_json.parse(frame.get("text") or frame.get("bytes") or b"")
    except ValueError:
        return None
    return message if isinstance(message, dict) else None
