"""`GET /v1/sessions/{id}/presence`: who is connected to a session (docs/presence.md)."""

from starlette.responses import Response

from shared.application.authorization import Operation
from shared.application.presence import presence_view
from shared.http.rendering import json_response
from shared.http.request import ApiRequest
from shared.http.routing import READ_ERRORS, ResponseSpec, Routes
from shared.serverless.http_function import make_http_function

routes = Routes("live")


@routes.get(
    "/v1/sessions/{session_id}/presence",
    ResponseSpec(200, "PresenceAnswer", "The live connections", READ_ERRORS),
    requires=Operation.READ_PRESENCE,
)
async def presence(request: ApiRequest) -> Response:
    """Return the WebSockets and event streams of the session, and how exact their clocks are.

    At most 100 connections are listed; `summary` counts all. Clients that poll or follow the
    session through Supabase Realtime aren't among them. A connection of an instance that has died
    is listed for up to a minute.
    """
    await request.read_session()
    name = request.authorization.store_name(request.session_id)
    found = await request.components.presence.read(name)
    return json_response(presence_view(request.session_id, found))


handler = make_http_function(routes)
