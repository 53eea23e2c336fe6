"""Broadcast over HTTP (Realtime's REST API)."""

import asyncio
from dataclasses import dataclass
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from infra.local.realtime.client_messages import is_too_large
from infra.local.realtime.errors import RealtimeError
from infra.local.realtime.messages import Broadcast, parse_json
from infra.local.realtime.project import ProjectState
from infra.local.realtime.tokens import Identity
from infra.local.realtime.validation import BLANK, TOO_LARGE, validation_errors


@dataclass(frozen=True, slots=True)
class _Rejected(Exception):
    status: int
    body: dict[str, Any]


class BroadcastApi:
    """Endpoints that broadcast to the topics of `project`."""

    def __init__(self, project: ProjectState) -> None:
        self._project = project

    async def batch(self, request: Request) -> Response:
        """`POST /realtime/v1/api/broadcast`: drops messages that the caller may not send."""
        return await self._respond(request, self._send_batch)

    async def single(self, request: Request) -> Response:
        """`POST /realtime/v1/api/broadcast/{topic}/events/{event}`: 403 if not authorized."""
        return await self._respond(request, self._send_single)

    async def _respond(self, request: Request, send: Any) -> Response:
        try:
            await self._await_outage(request)
            await send(request, self._identify(request))
        except _Rejected as rejected:
            return JSONResponse(rejected.body, rejected.status)
        except ClientDisconnect:
            return Response(status_code=400)  # never delivered
        return Response(status_code=202)

    async def _await_outage(self, request: Request) -> None:
        """Wait while an injected outage lets requests hang. Raises `_Rejected` if one fails it."""
        mischief = self._project.mischief
        if mischief.outage is None:
            return
        await request.body()  # after the body, `receive` returns only when the client disconnects
        disconnected = asyncio.ensure_future(request.receive())
        ended = asyncio.ensure_future(mischief.lets_through())
        await asyncio.wait({disconnected, ended}, return_when=asyncio.FIRST_COMPLETED)
        is_served = ended.done() and ended.result()
        disconnected.cancel()
        ended.cancel()
        if not is_served:
            mischief.failed_requests += 1
            raise _Rejected(500, {"message": "Internal Server Error"})

    def _identify(self, request: Request) -> Identity:
        """Identify the caller by the bearer token, else by the API key, which is mandatory."""
        key = request.headers.get("apikey")
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        has_bearer = scheme.lower() == "bearer" and bearer != key
        try:
            key_identity = self._project.tokens.identify(key)
            if has_bearer and bearer.startswith("sb_"):
                raise _Rejected(401, {"message": "Unauthorized"})
            return self._project.tokens.identify(bearer) if has_bearer else key_identity
        except RealtimeError:
            raise _Rejected(401, {"message": "Unauthorized"}) from None

    async def _send_batch(self, request: Request, caller: Identity) -> None:
        body = await _json(request)
        messages = body.get("messages") if isinstance(body, dict) else None
        if not isinstance(messages, list) or not messages:
            raise _unprocessable([BLANK])
        faults = [validation_errors(message, self._project) for message in messages]
        if any(faults):
            raise _unprocessable(faults)
        self._limit_rate(len(messages))
        broadcasts = [_broadcast(message) for message in messages]
        topics = {broadcast.name: broadcast for broadcast in broadcasts if broadcast.private}
        allowed = {name for name, one in topics.items() if await self._may_send(caller, one)}
        for broadcast in broadcasts:
            if not broadcast.private or broadcast.name in allowed:
                self._project.topics.publish(broadcast)

    async def _send_single(self, request: Request, caller: Identity) -> None:
        is_json = request.headers.get("content-type", "").startswith("application/json")
        payload = await _json(request) if is_json else await request.body()
        if is_too_large(self._project, payload):
            raise _unprocessable([{"payload": [TOO_LARGE]}])
        self._limit_rate(1)
        topic, event = request.path_params["topic"], request.path_params["event"]
        private = request.query_params.get("private") == "true"
        broadcast = Broadcast(topic, event, payload, private, prefers_binary=True)
        if not await self._may_send(caller, broadcast):
            raise _Rejected(403, {"message": "Unauthorized"})
        self._project.topics.publish(broadcast)

    def _limit_rate(self, messages: int) -> None:
        if self._project.messages.is_exhausted:
            raise _Rejected(429, {"message": "You have exceeded your rate limit"})
        if not self._project.messages.take(messages):
            text = "Too many messages to broadcast, please reduce the batch size"
            raise _Rejected(429, {"message": text})

    async def _may_send(self, caller: Identity, broadcast: Broadcast) -> bool:
        if not broadcast.private:
            return True
        try:
            return (await self._project.policies.write_rights(caller, broadcast.name)).broadcast
        except RealtimeError:
            return False


def _broadcast(message: dict[str, Any]) -> Broadcast:
    return Broadcast(
        message["topic"],
        message["event"],
        message["payload"],
        private=message.get("private", False),
        meta={"id": message["id"]} if message.get("id") else None,
    )


async def _json(request: Request) -> Any:
    try:
        return parse_json(await request.body())
    except (ValueError, RecursionError):
        raise _Rejected(400, {"message": "Bad Request"}) from None


def _unprocessable(faults: list[Any]) -> _Rejected:
    return _Rejected(422, {"errors": {"messages": faults}})
