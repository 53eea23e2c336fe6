"""`POST /v1/sessions/{id}/pause`: `running` -> `paused`, to the millisecond."""

from fastapi import APIRouter, Response

from shared.access.rights import Operation
from shared.domain.commands import Pause
from shared.http.answers import whole_session
from shared.http.bodies import NoFields
from shared.http.calls import Change, SessionId
from shared.http.guard import GuardedJsonRoute, asks_to
from shared.http.openapi import CHANGE_ERRORS, answers
from shared.serverless.http_function import function_of

router = APIRouter(route_class=GuardedJsonRoute, tags=["sessions"])


@router.post(
    "/v1/sessions/{session_id}/pause",
    responses=answers(200, "SessionAnswer", "Paused", CHANGE_ERRORS),
)
@asks_to(Operation.PAUSE)
async def pause(session_id: SessionId, call: Change, body: NoFields | None = None) -> Response:
    """Stop every clock."""
    return await call.apply(session_id, Pause(), whole_session)


handler = function_of(router)
