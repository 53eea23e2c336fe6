"""`POST /v1/sessions/{id}/start`: `pending` -> `running`."""

from fastapi import APIRouter, Response

from shared.domain.commands import Start
from shared.http.answers import whole_session
from shared.http.bodies import NoFields
from shared.http.calls import Change, SessionId
from shared.http.json_route import JsonRoute
from shared.http.openapi import CHANGE_ERRORS, answers
from shared.serverless.http_function import function_of

router = APIRouter(route_class=JsonRoute, tags=["sessions"])


@router.post(
    "/v1/sessions/{session_id}/start",
    responses=answers(200, "SessionAnswer", "Running", CHANGE_ERRORS),
)
async def start(session_id: SessionId, call: Change, body: NoFields | None = None) -> Response:
    """Begin the first cycle."""
    return await call.apply(session_id, Start(), whole_session)


handler = function_of(router)
