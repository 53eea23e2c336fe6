"""`POST /v1/sessions/{id}/complete`: end the session as it was meant to."""

from fastapi import APIRouter, Response

from shared.access.rights import Operation
from shared.domain.commands import Complete
from shared.http.answers import whole_session
from shared.http.bodies import NoFields
from shared.http.calls import Change, SessionId
from shared.http.guard import GuardedJsonRoute, asks_to
from shared.http.openapi import CHANGE_ERRORS, answers
from shared.serverless.http_function import function_of

router = APIRouter(route_class=GuardedJsonRoute, tags=["sessions"])


@router.post(
    "/v1/sessions/{session_id}/complete",
    responses=answers(200, "SessionAnswer", "Completed", CHANGE_ERRORS),
)
@asks_to(Operation.COMPLETE)
async def complete(session_id: SessionId, call: Change, body: NoFields | None = None) -> Response:
    """End the session, from any status that has not ended it."""
    return await call.apply(session_id, Complete(), whole_session)


handler = function_of(router)
