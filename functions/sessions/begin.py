"""`POST /v1/sessions/{id}/begin`: let several participants begin at one instant."""

from starlette.responses import Response

from shared.application.authorization import Operation
from shared.http import conditional_changes
from shared.http.individual_bodies import BeginBody
from shared.http.request import ApiRequest
from shared.http.routing import CHANGE_ERRORS, CHANGE_PARAMETERS, ResponseSpec, Routes
from shared.serverless.http_function import make_http_function

routes = Routes("sessions")


@routes.post(
    "/v1/sessions/{session_id}/begin",
    ResponseSpec(200, "SessionAnswer", "Begun", CHANGE_ERRORS),
    requires=Operation.BEGIN,
    takes=BeginBody,
    may_be_absent=True,
    parameters=CHANGE_PARAMETERS,
)
async def begin(request: ApiRequest, body: BeginBody | None) -> Response:
    """Let several participants begin at one instant; by default all who have not begun."""
    return await conditional_changes.apply_command(request, (body or BeginBody()).command())


handler = make_http_function(routes)
