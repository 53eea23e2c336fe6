"""`GET /v1/sessions/{id}/realtime`: how to follow a session (API §3)."""

from starlette.responses import Response

from shared.access.callers import Role
from shared.access.rights import Operation
from shared.errors import SessionDeleted, SessionNotFound
from shared.http.answers import json_response
from shared.http.call import Call
from shared.http.routing import READ_ERRORS, Answers, Routes
from shared.serverless.http_function import function_of

routes = Routes("live")


@routes.get(
    "/v1/sessions/{session_id}/realtime",
    Answers(200, "SubscriptionAnswer", "How to follow the session", READ_ERRORS),
    requires=Operation.READ,
)
async def realtime(call: Call) -> Response:
    """Which transport carries the session's pushes, and a token of minutes that only listens.

    The session need not exist yet, except for a host: its owner isn't known before. A caller that
    may read may listen; a token that only listens gives no right to a further one.
    """
    try:
        await call.read_session()
    except SessionNotFound as error:
        if isinstance(error, SessionDeleted) or call.permit.caller.role is Role.HOST:
            raise
    parts = call.parts
    found = parts.subscriptions.of(call, call.permit, call.session_id, parts.gate)
    return json_response(found, {"Cache-Control": "no-store"})


handler = function_of(routes)
