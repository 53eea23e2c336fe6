"""`POST /v1/sessions/{id}/undo`: undo the last switch."""

from starlette.responses import Response

from shared.application.authorization import Operation
from shared.http import conditional_changes
from shared.http.request import ApiRequest
from shared.http.request_bodies import UndoBody
from shared.http.routing import CHANGE_ERRORS, CHANGE_PARAMETERS, ResponseSpec, Routes
from shared.serverless.http_function import make_http_function

routes = Routes("sessions")


@routes.post(
    "/v1/sessions/{session_id}/undo",
    ResponseSpec(200, "SessionAnswer", "Undone", CHANGE_ERRORS),
    requires=Operation.UNDO,
    takes=UndoBody,
    parameters=CHANGE_PARAMETERS,
)
async def undo(request: ApiRequest, body: UndoBody) -> Response:
    """Undo the last switch, also one that a timeout made.

    With `turn_start` that turn begins again, with `before_switch` its own time stays spent, and
    with `as_if_never` it went on until now.
    """
    return await conditional_changes.apply_command(request, body.command())


handler = make_http_function(routes)
