"""`POST /v1/sessions/{id}/complete`: end the session regularly."""

from starlette.responses import Response

from shared.application.authorization import Operation
from shared.domain.commands import Complete
from shared.http import conditional_changes
from shared.http.request import ApiRequest
from shared.http.request_bodies import EmptyBody
from shared.http.routing import CHANGE_ERRORS, CHANGE_HEADERS, ResponseSpec, Routes
from shared.serverless.http_function import make_http_function

routes = Routes("sessions")


@routes.post(
    "/v1/sessions/{session_id}/complete",
    ResponseSpec(200, "SessionAnswer", "Completed", CHANGE_ERRORS),
    requires=Operation.COMPLETE,
    takes=EmptyBody,
    may_be_absent=True,
    headers=CHANGE_HEADERS,
)
async def complete(request: ApiRequest, _: EmptyBody | None) -> Response:
    """End the session regularly. It must not have ended yet."""
    return await conditional_changes.apply_command(request, Complete())


handler = make_http_function(routes)
