"""`DELETE /v1/sessions/{id}`: remove a session."""

from starlette.responses import Response

from shared.access.rights import Operation
from shared.domain.commands import Delete
from shared.errors import SessionNotFound
from shared.http import changes
from shared.http.call import Call
from shared.http.routing import CHANGE_ERRORS, CHANGE_HEADERS, Answers, Routes
from shared.serverless.http_function import function_of

routes = Routes("sessions")


@routes.delete(
    "/v1/sessions/{session_id}",
    Answers(204, None, "The session doesn't exist any more", CHANGE_ERRORS),
    requires=Operation.DELETE,
    headers=CHANGE_HEADERS,
)
async def delete(call: Call) -> Response:
    """Delete the session; deleting one that doesn't exist also succeeds."""
    try:
        return await changes.apply(call, Delete())
    except SessionNotFound:
        return Response(status_code=204)


handler = function_of(routes)
