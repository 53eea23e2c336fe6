"""`POST /v1/sessions/{id}/complete`: end the session regularly."""

from starlette.responses import Response

from shared.access.rights import Operation
from shared.domain.commands import Complete
from shared.http import changes
from shared.http.bodies import NoFields
from shared.http.call import Call
from shared.http.routing import CHANGE_ERRORS, CHANGE_HEADERS, Answers, Routes
from shared.serverless.http_function import function_of

routes = Routes("sessions")


@routes.post(
    "/v1/sessions/{session_id}/complete",
    Answers(200, "SessionAnswer", "Completed", CHANGE_ERRORS),
    requires=Operation.COMPLETE,
    takes=NoFields,
    may_be_absent=True,
    headers=CHANGE_HEADERS,
)
async def complete(call: Call, _: NoFields | None) -> Response:
    """End the session regularly. It must not have ended yet."""
    return await changes.apply(call, Complete())


handler = function_of(routes)
