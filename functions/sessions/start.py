"""`POST /v1/sessions/{id}/start`: `pending` -> `running`."""

from starlette.responses import Response

from shared.application.authorization import Operation
from shared.domain.commands import Start
from shared.http import conditional_changes
from shared.http.request import ApiRequest
from shared.http.request_bodies import EmptyBody
from shared.http.routing import CHANGE_ERRORS, CHANGE_HEADERS, ResponseSpec, Routes
from shared.serverless.http_function import make_http_function

routes = Routes("sessions")


@routes.post(
    "/v1/sessions/{session_id}/start",
    ResponseSpec(200, "SessionAnswer", "Running", CHANGE_ERRORS),
    requires=Operation.START,
    takes=EmptyBody,
    may_be_absent=True,
    headers=CHANGE_HEADERS,
)
async def start(request: ApiRequest, _: EmptyBody | None) -> Response:
    """Start the session with its first cycle."""
    return await conditional_changes.apply_command(request, Start())


handler = make_http_function(routes)
