"""`POST /v1/sessions/{id}/start`: `pending` -> `running`."""

from starlette.responses import Response

from shared.access.rights import Operation
from shared.domain.commands import Start
from shared.http import changes
from shared.http.bodies import NoFields
from shared.http.call import Call
from shared.http.routing import CHANGE_ERRORS, CHANGE_HEADERS, Answers, Routes
from shared.serverless.http_function import function_of

routes = Routes("sessions")


@routes.post(
    "/v1/sessions/{session_id}/start",
    Answers(200, "SessionAnswer", "Running", CHANGE_ERRORS),
    requires=Operation.START,
    takes=NoFields,
    may_be_absent=True,
    headers=CHANGE_HEADERS,
)
async def start(call: Call, _: NoFields | None) -> Response:
    """Start the session with its first cycle."""
    return await changes.apply(call, Start())


handler = function_of(routes)
