"""`GET /v1/sessions/{id}/realtime`: how to subscribe to a session (docs/realtime.md)."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field
from starlette.responses import Response

from shared.application.authorization import Operation, Role
from shared.application.errors import SessionDeleted, SessionNotFound
from shared.http.rendering import json_response
from shared.http.request import ApiRequest
from shared.http.routing import READ_ERRORS, ResponseSpec, Routes
from shared.serverless.http_function import make_http_function

routes = Routes("live")


class RealtimeQuery(BaseModel):
    """Options of the subscription."""

    presence: Annotated[
        Literal["0", "1"],
        Field(description="`1`: the token of Supabase Realtime shall permit reading the presence"),
    ] = "0"


@routes.get(
    "/v1/sessions/{session_id}/realtime",
    ResponseSpec(200, "SubscriptionAnswer", "How to subscribe to the session", READ_ERRORS),
    requires=Operation.READ,
    takes=RealtimeQuery,
)
async def realtime(request: ApiRequest, query: RealtimeQuery) -> Response:
    """Return the transport of the session's pushes, with a short-lived token if it needs one.

    The session need not exist yet, except for hosts, who may only follow sessions they own.
    Callers who may read the session may subscribe. The token only allows listening: it can't be
    used to get another one.
    """
    try:
        await request.read_session()
    except SessionNotFound as error:
        if isinstance(error, SessionDeleted) or request.authorization.caller.role is Role.HOST:
            raise
    return json_response(
        request.components.subscriptions.of(request, with_presence=query.presence == "1")
    )


handler = make_http_function(routes)
