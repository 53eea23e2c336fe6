"""Broadcast over HTTP (Realtime's REST API): several messages, or a single one."""

import asyncio
from collections.abc import Awaitable, Callable

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from infra.local.realtime.broadcast_bodies import (
    Broadcast,
    Refused,
    batch_of,
    refused,
    single_of,
)
from infra.local.realtime.project import Project
from infra.local.realtime.tokens import Identity, RealtimeError

_Send = Callable[[Project, Identity, Request], Awaitable[None]]


async def broadcast(project: Project, request: Request) -> Response:
    """`POST /realtime/v1/api/broadcast`: drops messages that the caller may not send."""
    return await _answer(project, request, _send_batch)


async def broadcast_single(project: Project, request: Request) -> Response:
    """`POST /realtime/v1/api/broadcast/{topic}/events/{event}`: the body is the payload."""
    return await _answer(project, request, _send_single)


async def _answer(project: Project, request: Request, send: _Send) -> Response:
    try:
        await _await_outage(project, request)
        caller = _identify(project, request)
        if project.rate.is_exceeded:
            raise refused(429, "Too many requests")
        await send(project, caller, request)
        response = Response(status_code=202)
    except Refused as refusal:
        response = refusal.response
    except ClientDisconnect:
        return Response(status_code=400)  # never delivered
    response.headers.update(project.rate.headers())
    return response


async def _send_batch(project: Project, caller: Identity, request: Request) -> None:
    messages = await batch_of(request)
    if project.rate.average + len(messages) > project.rate.limit:
        raise refused(429, "Too many messages to broadcast, please reduce the batch size")
    for message in messages:
        if not message.private or await _may_send(project, caller, message):
            project.publish(message)


async def _send_single(project: Project, caller: Identity, request: Request) -> None:
    message = await single_of(request)
    if message.private:
        try:
            is_allowed = await project.policies.may_write(caller, message.topic, "broadcast")
        except RealtimeError:
            raise refused(422, "Tenant database unavailable") from None
        if not is_allowed:
            raise refused(403, "Unauthorized")
    project.publish(message, is_single=True)


async def _await_outage(project: Project, request: Request) -> None:
    """Wait while an injected outage lets requests hang. Raises `Refused` if one fails it."""
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
        raise refused(500, "Internal Server Error")


def _identify(project: Project, request: Request) -> Identity:
    """Identify the caller by the bearer token, else by the API key, which is mandatory."""
    key = request.headers.get("apikey")
    bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
    try:
        identity = project.tokens.identify(key)
        return project.tokens.identify(bearer) if bearer else identity
    except RealtimeError:
        raise refused(401, "Unauthorized") from None


async def _may_send(project: Project, caller: Identity, message: Broadcast) -> bool:
    try:
        return await project.policies.may_write(caller, message.topic, "broadcast")
    except RealtimeError:
        return False
