"""`DELETE /v1/sessions/{id}`: remove a session."""

from starlette.responses import Response

from shared.application.authorization import Operation
from shared.application.errors import SessionNotFound
from shared.domain.commands import Delete
from shared.http import conditional_changes
from shared.http.request import ApiRequest
from shared.http.routing import CHANGE_ERRORS, CHANGE_PARAMETERS, ResponseSpec, Routes
from shared.serverless.http_function import make_http_function

routes = Routes("sessions")


@routes.delete(
    "/v1/sessions/{session_id}",
    ResponseSpec(204, None, "The session doesn't exist any more", CHANGE_ERRORS),
    requires=Operation.DELETE,
    parameters=CHANGE_PARAMETERS,
)
async def delete(request: ApiRequest) -> Response:
    """Delete the session; deleting one that doesn't exist also succeeds."""
    try:
        return await conditional_changes.apply_command(request, Delete())
    except SessionNotFound:
        return Response(status_code=204)


handler = make_http_function(routes)
