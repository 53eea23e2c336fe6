"""`POST /v1/sessions/{id}/pause`: `running` -> `paused`."""

from starlette.responses import Response

from shared.application.authorization import Operation
from shared.domain.commands import Pause
from shared.http import conditional_changes
from shared.http.request import ApiRequest
from shared.http.request_bodies import EmptyBody
from shared.http.routing import CHANGE_ERRORS, CHANGE_HEADERS, ResponseSpec, Routes
from shared.serverless.http_function import make_http_function

routes = Routes("sessions")


@routes.post(
    "/v1/sessions/{session_id}/pause",
    ResponseSpec(200, "SessionAnswer", "Paused", CHANGE_ERRORS),
    requires=Operation.PAUSE,
    takes=EmptyBody,
    may_be_absent=True,
    headers=CHANGE_HEADERS,
)
async def pause(request: ApiRequest, _: EmptyBody | None) -> Response:
    """Stop all clocks, exact to the millisecond."""
    return await conditional_changes.apply_command(request, Pause())


handler = make_http_function(routes)
