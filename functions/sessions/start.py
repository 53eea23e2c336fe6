"""`POST /v1/sessions/{id}/start`: `pending` -> `running`."""

from fastapi import APIRouter, Response

from shared.access.rights import Operation
from shared.domain.commands import Start
from shared.http.answers import whole_session
from shared.http.bodies import NoFields
from shared.http.calls import Change, SessionId
from shared.http.guard import GuardedJsonRoute, asks_to
from shared.http.openapi import CHANGE_ERRORS, answers
from shared.serverless.http_function import function_of

router = APIRouter(route_class=GuardedJsonRoute, tags=["sessions"])


@router.post(
    "/v1/sessions/{session_id}/start",
    responses=answers(200, "SessionAnswer", "Running", CHANGE_ERRORS),
)
@asks_to(Operation.START)
async def start(session_id: SessionId, call: Change, body: NoFields | None = None) -> Response:
    """Begin the first cycle."""
    return await call.apply(session_id, Start(), whole_session)


handler = function_of(router)
