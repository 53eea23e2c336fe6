"""`POST /v1/sessions/{id}/advance`: let time pass in a test session."""

from starlette.responses import Response

from shared.application.authorization import Operation
from shared.http import conditional_changes
from shared.http.advance_body import AdvanceBody
from shared.http.request import ApiRequest
from shared.http.routing import CHANGE_ERRORS, CHANGE_PARAMETERS, ResponseSpec, Routes
from shared.serverless.http_function import make_http_function

routes = Routes("sessions")


@routes.post(
    "/v1/sessions/{session_id}/advance",
    ResponseSpec(200, "SessionAnswer", "Advanced", CHANGE_ERRORS),
    requires=Operation.ADVANCE,
    takes=AdvanceBody,
    parameters=CHANGE_PARAMETERS,
)
async def advance(request: ApiRequest, body: AdvanceBody) -> Response:
    """Let time pass in a session that was created with `test: true`, as if it had waited.

    Everything that is due on the way happens at its own instant, with its version, pushes and audit
    event. If that is more than one request makes, the session stops on the way, and
    `advance_left_ms` is the rest of the time.
    """
    return await conditional_changes.apply_command(request, body.command())


handler = make_http_function(routes)
