"""`PATCH /v1/sessions/{id}`: change settings of a session."""

from starlette.responses import Response

from shared.application.authorization import Operation
from shared.http import conditional_changes
from shared.http.creation_bodies import UpdateBody
from shared.http.request import ApiRequest
from shared.http.routing import CHANGE_ERRORS, CHANGE_PARAMETERS, ResponseSpec, Routes
from shared.serverless.http_function import make_http_function

routes = Routes("sessions")


@routes.patch(
    "/v1/sessions/{session_id}",
    ResponseSpec(200, "SessionAnswer", "Updated", CHANGE_ERRORS),
    requires=Operation.UPDATE,
    takes=UpdateBody,
    parameters=CHANGE_PARAMETERS,
)
async def update(request: ApiRequest, body: UpdateBody) -> Response:
    """Change settings of the session. It must not have ended yet."""
    return await conditional_changes.apply_command(request, body.command())


handler = make_http_function(routes)
