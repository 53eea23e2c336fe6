"""`POST /v1/sessions/{id}/cancel`: end the session without a result."""

from starlette.responses import Response

from shared.access.rights import Operation
from shared.domain.commands import Cancel
from shared.http import changes
from shared.http.bodies import NoFields
from shared.http.call import Call
from shared.http.routing import CHANGE_ERRORS, CHANGE_HEADERS, Answers, Routes
from shared.serverless.http_function import function_of

routes = Routes("sessions")


@routes.post(
    "/v1/sessions/{session_id}/cancel",
    Answers(200, "SessionAnswer", "Cancelled", CHANGE_ERRORS),
    requires=Operation.CANCEL,
    takes=NoFields,
    may_be_absent=True,
    headers=CHANGE_HEADERS,
)
async def cancel(call: Call, _: NoFields | None) -> Response:
    """End the session without a result. It must not have ended yet."""
    return await changes.apply(call, Cancel())


handler = function_of(routes)
