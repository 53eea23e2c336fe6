"""ASGI application behind a project's URL."""

import asyncio

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from infra.local.realtime.broadcast_api import broadcast
from infra.local.realtime.channel import ClientSocket
from infra.local.realtime.conversation import SocketHandler
from infra.local.realtime.project import Project
from infra.local.realtime.tokens import RealtimeError
from infra.local.realtime.upstream import ReverseProxy

_BASE = "/realtime/v1"
_VERSIONS = {"1.0.0": 1, "2.0.0": 2}
_METHODS = ["HEAD", "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def create_app(project: Project, upstream: ReverseProxy) -> Starlette:
    """Return the application: Realtime, and `upstream` for all other paths."""

    async def serve_socket(websocket: WebSocket) -> None:
        await _handle_socket(project, websocket)

    async def serve_broadcast(request: Request) -> Response:
        return await broadcast(project, request)

    return Starlette(
        routes=[
            WebSocketRoute(f"{_BASE}/websocket", serve_socket),
            Route(f"{_BASE}/api/broadcast", serve_broadcast, methods=["POST"]),
            Route("/{path:path}", upstream.forward, methods=_METHODS),
        ]
    )


async def _handle_socket(project: Project, websocket: WebSocket) -> None:
    version = _VERSIONS.get(websocket.query_params.get("vsn", "1.0.0"))
    key = websocket.query_params.get("apikey", "")
    try:
        project.tokens.identify(key)
    except RealtimeError as refusal:
        await websocket.send_denial_response(JSONResponse({"error": refusal.reason}, 401))
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
