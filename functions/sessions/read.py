"""`GET /v1/sessions/{id}`: a session with its live times."""

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response

from shared.access.rights import Operation
from shared.http.answers import json_response, session_headers
from shared.http.calls import Call, SessionId
from shared.http.guard import GuardedRoute, asks_to
from shared.http.openapi import READ_ERRORS, answers
from shared.http.preconditions import is_known
from shared.representation import session_view
from shared.serverless.http_function import function_of

router = APIRouter(route_class=GuardedRoute, tags=["sessions"])


@router.get(
    "/v1/sessions/{session_id}",
    responses=answers(200, "SessionAnswer", "The session", READ_ERRORS)
    | {304: {"description": "Still the version that `If-None-Match` names"}},
)
@asks_to(Operation.READ)
async def read(
    session_id: SessionId,
    request: Request,
    if_none_match: Annotated[
        str | None, Header(alias="If-None-Match", description="304 if this is still the version")
    ] = None,
) -> Response:
    """The session as it stands; a deadline that has passed is applied first."""
    session, now = await Call(request).session(session_id)
    headers = session_headers(session)
    if is_known(if_none_match, session.version):
        return Response(status_code=304, headers=headers)
    return json_response(session_view(session, now), headers)


handler = function_of(router)
