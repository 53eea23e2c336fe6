"""`POST /v1/sessions/{id}/pause`: `running` -> `paused`."""

from starlette.responses import Response

from shared.access.rights import Operation
from shared.domain.commands import Pause
from shared.http import changes
from shared.http.bodies import NoFields
from shared.http.call import Call
from shared.http.routing import CHANGE_ERRORS, CHANGE_HEADERS, Answers, Routes
from shared.serverless.http_function import function_of

routes = Routes("sessions")


@routes.post(
    "/v1/sessions/{session_id}/pause",
    Answers(200, "SessionAnswer", "Paused", CHANGE_ERRORS),
    requires=Operation.PAUSE,
    takes=NoFields,
    may_be_absent=True,
    headers=CHANGE_HEADERS,
)
async def pause(call: Call, _: NoFields | None) -> Response:
    """Stop all clocks, exact to the millisecond."""
    return await changes.apply(call, Pause())


handler = function_of(routes)
