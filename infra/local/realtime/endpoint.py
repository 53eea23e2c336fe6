"""ASGI application behind a project's URL."""

import asyncio

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from infra.local.realtime.broadcasting import Broadcasting
from infra.local.realtime.conversation import Conversation
from infra.local.realtime.project import Project
from infra.local.realtime.refusals import Refused
from infra.local.realtime.socket import Socket
from infra.local.realtime.upstream import Upstream

_BASE = "/realtime/v1"
_VERSIONS = {"1.0.0": 1, "2.0.0": 2}
_METHODS = ["HEAD", "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def endpoint(project: Project, upstream: Upstream) -> Starlette:
    """Return the application: Realtime, and `upstream` for all other paths."""
    http = Broadcasting(project)

    async def serve_socket(websocket: WebSocket) -> None:
        await _handle_socket(project, websocket)

    single = "/api/broadcast/{topic}/events/{event}"
    return Starlette(
        routes=[
            WebSocketRoute(f"{_BASE}/websocket", serve_socket),
            Route(f"{_BASE}/api/broadcast", http.batch, methods=["POST"]),
            Route(f"{_BASE}{single}", http.single, methods=["POST"]),
            Route("/{path:path}", upstream.forward, methods=_METHODS),
        ]
    )


async def _handle_socket(project: Project, websocket: WebSocket) -> None:
    version = _VERSIONS.get(websocket.query_params.get("vsn", "1.0.0"))
    key = websocket.query_params.get("apikey", "")
    try:
        project.tokens.identify(key)
    except Refused as refusal:
        await websocket.send_denial_response(JSONResponse({"error": refusal.reason}, 401))
        return
    if version is None or project.mischief.refuses_sockets:
        await websocket.send_denial_response(JSONResponse({"error": "refused"}, 503))
        return
    await websocket.accept()
    client = Socket(websocket, version, project.options.queue_frames)
    project.connections += 1
    writer = asyncio.create_task(client.write())
    try:
        await Conversation(project, client, key).run(websocket)
    finally:
        project.connections -= 1
        writer.cancel()
        await asyncio.gather(writer, return_exceptions=True)
