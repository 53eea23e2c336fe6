"""`GET /v1/sessions/{id}/summary`: whose clock runs and what is left on it."""

from fastapi import APIRouter, Request, Response

from shared.access.rights import Operation
from shared.http.answers import shown_session
from shared.http.calls import Call, IfNoneMatch, SessionId
from shared.http.guard import GuardedRoute, asks_to
from shared.http.openapi import NOT_MODIFIED, READ_ERRORS, answers
from shared.representation import summary_view
from shared.serverless.http_function import function_of

router = APIRouter(route_class=GuardedRoute, tags=["sessions"])


@router.get(
    "/v1/sessions/{session_id}/summary",
    responses=answers(200, "SummaryAnswer", "The light form", READ_ERRORS) | NOT_MODIFIED,
)
@asks_to(Operation.READ)
async def summary(session_id: SessionId, request: Request, _: IfNoneMatch = None) -> Response:
    """The light form of a session."""
    session, now = await Call(request).session(session_id)
    return shown_session(request, session, lambda: summary_view(session, now))


handler = function_of(router)
