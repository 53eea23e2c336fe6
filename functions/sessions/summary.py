"""`GET /v1/sessions/{id}/summary`: the active participant and its remaining time."""

from starlette.responses import Response

from shared.access.rights import Operation
from shared.http.answers import shown_session
from shared.http.call import Call
from shared.http.routing import IF_NONE_MATCH, NOT_MODIFIED, READ_ERRORS, Answers, Routes
from shared.representation import summary_view
from shared.serverless.http_function import function_of

routes = Routes("sessions")


@routes.get(
    "/v1/sessions/{session_id}/summary",
    Answers(200, "SummaryAnswer", "The summary", READ_ERRORS),
    NOT_MODIFIED,
    requires=Operation.READ,
    headers=(IF_NONE_MATCH,),
)
async def summary(call: Call) -> Response:
    """Return status, version, active participant and remaining time of a session."""
    session, now = await call.read_session()
    return shown_session(call, session, lambda: summary_view(session, now))


handler = function_of(routes)
