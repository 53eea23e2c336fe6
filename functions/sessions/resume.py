"""`POST /v1/sessions/{id}/resume`: `paused` -> `running`."""

from starlette.responses import Response

from shared.access.rights import Operation
from shared.domain.commands import Resume
from shared.http import changes
from shared.http.bodies import NoFields
from shared.http.call import Call
from shared.http.routing import CHANGE_ERRORS, CHANGE_HEADERS, Answers, Routes
from shared.serverless.http_function import function_of

routes = Routes("sessions")


@routes.post(
    "/v1/sessions/{session_id}/resume",
    Answers(200, "SessionAnswer", "Running again", CHANGE_ERRORS),
    requires=Operation.RESUME,
    takes=NoFields,
    may_be_absent=True,
    headers=CHANGE_HEADERS,
)
async def resume(call: Call, _: NoFields | None) -> Response:
    """Continue the clocks that the pause stopped."""
    return await changes.apply(call, Resume())


handler = function_of(routes)
