"""`POST /v1/sessions/{id}/complete`: end the session regularly."""

from starlette.responses import Response

from shared.application.authorization import Operation
from shared.http import conditional_changes
from shared.http.request import ApiRequest
from shared.http.routing import CHANGE_ERRORS, CHANGE_PARAMETERS, ResponseSpec, Routes
from shared.http.scheduling_bodies import CompleteBody
from shared.serverless.http_function import make_http_function

routes = Routes("sessions")


@routes.post(
    "/v1/sessions/{session_id}/complete",
    ResponseSpec(200, "SessionAnswer", "Completed", CHANGE_ERRORS),
    requires=Operation.COMPLETE,
    takes=CompleteBody,
    may_be_absent=True,
    parameters=CHANGE_PARAMETERS,
)
async def complete(request: ApiRequest, body: CompleteBody | None) -> Response:
    """End the session regularly. It must not have ended yet.

    `metadata` replaces the session's in the same version, for example with the result of a game.
    """
    return await conditional_changes.apply_command(request, (body or CompleteBody()).command())


handler = make_http_function(routes)
