"""`GET /v1/sessions/{id}/summary`: the active participant and its remaining time."""

from starlette.responses import Response

from shared.application.authorization import Operation
from shared.application.session_view import summary_view
from shared.http.rendering import session_response
from shared.http.request import ApiRequest
from shared.http.routing import IF_NONE_MATCH, NOT_MODIFIED, READ_ERRORS, ResponseSpec, Routes
from shared.serverless.http_function import make_http_function

routes = Routes("sessions")


@routes.get(
    "/v1/sessions/{session_id}/summary",
    ResponseSpec(200, "SummaryAnswer", "The summary", READ_ERRORS),
    NOT_MODIFIED,
    requires=Operation.READ,
    parameters=(IF_NONE_MATCH,),
)
async def summary(request: ApiRequest) -> Response:
    """Return status, version, active participant and remaining time of a session."""
    session, now = await request.read_session()
    return session_response(request, session, lambda: summary_view(session, now))


handler = make_http_function(routes)
