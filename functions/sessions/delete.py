"""`DELETE /v1/sessions/{id}`: remove a session."""

from fastapi import APIRouter, Response

from shared.access.rights import Operation
from shared.domain.commands import Delete
from shared.errors import SessionNotFound
from shared.http.calls import Change, SessionId
from shared.http.guard import GuardedJsonRoute, asks_to
from shared.http.openapi import DELETE_ERRORS, answers
from shared.serverless.http_function import function_of

router = APIRouter(route_class=GuardedJsonRoute, tags=["sessions"])


@router.delete(
    "/v1/sessions/{session_id}",
    status_code=204,
    responses=answers(204, None, "Gone", DELETE_ERRORS),
)
@asks_to(Operation.DELETE)
async def delete(session_id: SessionId, call: Change) -> Response:
    """Remove the session; removing what is not there is also success."""
    try:
        return await call.apply(session_id, Delete())
    except SessionNotFound:
        return Response(status_code=204)


handler = function_of(router)
