"""`GET /v1/sessions/{id}/realtime`: how to subscribe to a session (docs/realtime.md)."""

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
    Answers(200, "SubscriptionAnswer", "How to subscribe to the session", READ_ERRORS),
    requires=Operation.READ,
)
async def realtime(call: Call) -> Response:
    """Return the transport of the session's pushes, with a short-lived token if it needs one.

    The session need not exist yet, except for hosts, who may only follow sessions they own.
    Callers who may read the session may subscribe. The token only allows listening: it can't be
    used to get another one.
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
