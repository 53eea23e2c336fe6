"""`GET /v1/sessions/{id}/realtime`: how to follow a session (API §3)."""

from fastapi import APIRouter, Request, Response

from shared.access.callers import Role
from shared.access.rights import Operation
from shared.errors import SessionDeleted, SessionNotFound
from shared.http.answers import json_response
from shared.http.calls import Call, SessionId
from shared.http.guard import GuardedRoute, asks_to
from shared.http.openapi import READ_ERRORS, answers
from shared.serverless.http_function import function_of

router = APIRouter(route_class=GuardedRoute, tags=["live"])


@router.get(
    "/v1/sessions/{session_id}/realtime",
    responses=answers(200, "SubscriptionAnswer", "How to follow the session", READ_ERRORS),
)
@asks_to(Operation.READ)
async def realtime(session_id: SessionId, request: Request) -> Response:
    """Which transport carries the session's pushes, and a token of minutes that only listens.

    The session need not exist yet, but for a host: whose it will be nobody knows. Who may read may
    listen; but one who has come to listen alone gets no further token by that.
    """
    call = Call(request)
    try:
        await call.session(session_id)
    except SessionNotFound as error:
        if isinstance(error, SessionDeleted) or call.permit.caller.role is Role.HOST:
            raise
    found = request.app.state.subscriptions.of(request, session_id)
    return json_response(found, {"Cache-Control": "no-store"})


handler = function_of(router)
