"""ASGI application behind a project's URL."""

import asyncio

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from infra.local.realtime.broadcast_api import broadcast, broadcast_single
from infra.local.realtime.channel import ClientSocket
from infra.local.realtime.conversation import SocketHandler
from infra.local.realtime.project import Project
from infra.local.realtime.tokens import RealtimeError, TokenExpired
from infra.local.realtime.upstream import ReverseProxy

_BASE = "/realtime/v1"
_SINGLE = f"{_BASE}/api/broadcast/{{topic}}/events/{{event}}"
_VERSIONS = {"1.0.0": 1, "2.0.0": 2}
_METHODS = ["HEAD", "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def create_app(project: Project, upstream: ReverseProxy) -> Starlette:
    """Return the application: Realtime, and `upstream` for all other paths."""

    async def serve_socket(websocket: WebSocket) -> None:
        await _handle_socket(project, websocket)

    async def serve_broadcast(request: Request) -> Response:
        return await broadcast(project, request)

    async def serve_single(request: Request) -> Response:
        return await broadcast_single(project, request)

    return Starlette(
        routes=[
            WebSocketRoute(f"{_BASE}/websocket", serve_socket),
            Route(f"{_BASE}/api/broadcast", serve_broadcast, methods=["POST"]),
            Route(_SINGLE, serve_single, methods=["POST"]),
            Route("/{path:path}", upstream.forward, methods=_METHODS),
        ]
    )


async def _handle_socket(project: Project, websocket: WebSocket) -> None:
    version = _VERSIONS.get(websocket.query_params.get("vsn", "1.0.0"))
    key = websocket.query_params.get("apikey", "")
    try:
        project.tokens.identify(key)
    except RealtimeError as refusal:
        await websocket.send_denial_response(_handshake_refusal(refusal))
        return
    if version is None or project.faults.rejects_sockets:
        await websocket.send_denial_response(JSONResponse({"error": "refused"}, 503))
        return
    await websocket.accept()
    client = ClientSocket(websocket, version)
    writer = asyncio.create_task(client.write())
    try:
        await SocketHandler(project, client, key).run(websocket)
    finally:
        writer.cancel()
        await asyncio.gather(writer, return_exceptions=True)


def _handshake_refusal(refusal: RealtimeError) -> Response:
    """Return the answer to a handshake without a valid token. Realtime fails at one whose signature
    is wrong or missing."""
    if refusal.code in ("JwtSignatureError", "MalformedJWT"):
        return PlainTextResponse("Internal Server Error", 500)
    reason = "Token has expired" if isinstance(refusal, TokenExpired) else refusal.reason
    return JSONResponse({"error": reason}, 401)
