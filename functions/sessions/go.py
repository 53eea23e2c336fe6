"""`POST /v1/sessions/{id}/go`: begin an item of a programme."""

from starlette.responses import Response

from shared.application.authorization import Operation
from shared.http import conditional_changes
from shared.http.programme_bodies import GoBody
from shared.http.request import ApiRequest
from shared.http.routing import CHANGE_ERRORS, CHANGE_PARAMETERS, ResponseSpec, Routes
from shared.serverless.http_function import make_http_function

routes = Routes("sessions")


@routes.post(
    "/v1/sessions/{session_id}/go",
    ResponseSpec(200, "SessionAnswer", "The item runs", CHANGE_ERRORS),
    requires=Operation.GO_TO_ITEM,
    takes=GoBody,
    parameters=CHANGE_PARAMETERS,
)
async def go(request: ApiRequest, body: GoBody) -> Response:
    """End the running item and begin the named one, in the same round, with its full time."""
    return await conditional_changes.apply_command(request, body.command())


handler = make_http_function(routes)
