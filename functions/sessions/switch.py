"""`POST /v1/sessions/{id}/switch`: end the running cycle, begin the next. The hot path."""

from fastapi import APIRouter, Response

from shared.access.rights import Operation
from shared.domain.commands import Switch
from shared.http.answers import switch_result
from shared.http.bodies import SwitchBody
from shared.http.calls import Change, SessionId
from shared.http.guard import GuardedJsonRoute, asks_to
from shared.http.openapi import CHANGE_ERRORS, answers
from shared.serverless.http_function import function_of

router = APIRouter(route_class=GuardedJsonRoute, tags=["sessions"])


@router.post(
    "/v1/sessions/{session_id}/switch",
    responses=answers(200, "SwitchAnswer", "Switched", CHANGE_ERRORS),
)
@asks_to(Operation.SWITCH)
async def switch(session_id: SessionId, call: Change, body: SwitchBody | None = None) -> Response:
    """End the running cycle and begin the next; without a body the rotation decides whose."""
    command = body.command() if body else Switch()
    return await call.apply(session_id, command, switch_result)


handler = function_of(router)
