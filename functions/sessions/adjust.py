"""`POST /v1/sessions/{id}/adjust`: add time to several clocks at once, or set them."""

from starlette.responses import Response

from shared.application.authorization import Operation
from shared.http import conditional_changes
from shared.http.request import ApiRequest
from shared.http.routing import CHANGE_ERRORS, CHANGE_PARAMETERS, ResponseSpec, Routes
from shared.http.scheduling_bodies import AdjustAheadBody
from shared.serverless.http_function import make_http_function

routes = Routes("sessions")


@routes.post(
    "/v1/sessions/{session_id}/adjust",
    ResponseSpec(200, "SessionAnswer", "Adjusted", CHANGE_ERRORS),
    requires=Operation.ADJUST_CLOCKS,
    takes=AdjustAheadBody,
    parameters=CHANGE_PARAMETERS,
)
async def adjust(request: ApiRequest, body: AdjustAheadBody) -> Response:
    """Add `add_ms` to the clocks that `to` names, or set them to `set_ms`, all at one instant.

    With `reopen`, an expired session runs again with the time that it gets.
    """
    return await conditional_changes.apply_command(request, body.ahead())


handler = make_http_function(routes)
