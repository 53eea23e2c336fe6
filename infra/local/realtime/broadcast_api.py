"""Broadcast over HTTP (Realtime's REST API)."""

import asyncio
from dataclasses import dataclass
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from infra.local.realtime.messages import parse_json
from infra.local.realtime.project import Project
from infra.local.realtime.tokens import Identity, RealtimeError


@dataclass(frozen=True, slots=True)
class _Rejected(Exception):
    status: int
    text: str


async def broadcast(project: Project, request: Request) -> Response:
    """`POST /realtime/v1/api/broadcast`: drops messages that the caller may not send."""
    try:
        await _await_outage(project, request)
        caller = _identify(project, request)
        for message in await _messages(request):
            name, private = message["topic"], message.get("private", False)
            if not private or await _may_send(project, caller, name):
                project.publish(name, message["event"], message["payload"], private=private)
    except _Rejected as rejected:
        return JSONResponse({"message": rejected.text}, rejected.status)
    except ClientDisconnect:
        return Response(status_code=400)  # never delivered
    return Response(status_code=202)


async def _await_outage(project: Project, request: Request) -> None:
    """Wait while an injected outage lets requests hang. Raises `_Rejected` if one fails it."""
    faults = project.faults
    if faults.outage is None:
        return
    await request.body()  # after the body, `receive` returns only when the client disconnects
    disconnected = asyncio.ensure_future(request.receive())
    ended = asyncio.ensure_future(faults.lets_through())
    await asyncio.wait({disconnected, ended}, return_when=asyncio.FIRST_COMPLETED)
    is_served = ended.done() and ended.result()
    disconnected.cancel()
    ended.cancel()
    if not is_served:
        faults.failed_requests += 1
        raise _Rejected(500, "Internal Server Error")


def _identify(project: Project, request: Request) -> Identity:
    """Identify the caller by the bearer token, else by the API key, which is mandatory."""
    key = request.headers.get("apikey")
    bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
    try:
        identity = project.tokens.identify(key)
        return project.tokens.identify(bearer) if bearer else identity
    except RealtimeError:
        raise _Rejected(401, "Unauthorized") from None


async def _may_send(project: Project, caller: Identity, name: str) -> bool:
    try:
        return await project.policies.may_write(caller, name)
    except RealtimeError:
        return False


async def _messages(request: Request) -> list[Any]:
    try:
        body = parse_json(await request.body())
    except (ValueError, RecursionError):
        raise _Rejected(400, "Bad Request") from None
    messages = body.get("messages") if isinstance(body, dict) else None
    if not (isinstance(messages, list) and messages and all(map(_is_valid, messages))):
        raise _Rejected(422, "A message is invalid, or there are none")
    return messages


def _is_valid(message: Any) -> bool:
    return (
        isinstance(message, dict)
        and all(isinstance(text := message.get(name), str) and text for name in ("topic", "event"))
        and isinstance(message.get("payload"), dict)
        and isinstance(message.get("private", False), bool)
    )
