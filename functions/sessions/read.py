"""`GET /v1/sessions/{id}`: a session with its live times."""

from starlette.responses import Response

from shared.access.rights import Operation
from shared.http.answers import shown_session
from shared.http.call import Call
from shared.http.routing import IF_NONE_MATCH, NOT_MODIFIED, READ_ERRORS, Answers, Routes
from shared.representation import encoded_view
from shared.serverless.http_function import function_of

routes = Routes("sessions")


@routes.get(
    "/v1/sessions/{session_id}",
    Answers(200, "SessionAnswer", "The session", READ_ERRORS),
    NOT_MODIFIED,
    requires=Operation.READ,
    headers=(IF_NONE_MATCH,),
)
async def read(call: Call) -> Response:
    """Return the current state of the session; deadlines that have passed are applied first."""
    session, now = await call.read_session()
    return shown_session(call, session, lambda: encoded_view(session, now))


handler = function_of(routes)
