"""`GET /v1/sessions/{id}`: a session with its live times."""

from starlette.responses import Response

from shared.application.authorization import Operation
from shared.application.session_view import encode_session_view
from shared.http.rendering import session_response
from shared.http.request import ApiRequest
from shared.http.routing import IF_NONE_MATCH, NOT_MODIFIED, READ_ERRORS, ResponseSpec, Routes
from shared.serverless.http_function import make_http_function

routes = Routes("sessions")


@routes.get(
    "/v1/sessions/{session_id}",
    ResponseSpec(200, "SessionAnswer", "The session", READ_ERRORS),
    NOT_MODIFIED,
    requires=Operation.READ,
    parameters=(IF_NONE_MATCH,),
)
async def read(request: ApiRequest) -> Response:
    """Return the current state of the session; deadlines that have passed are applied first."""
    session, now = await request.read_session()
    return session_response(request, session, lambda: encode_session_view(session, now))


handler = make_http_function(routes)
