"""`POST /v1/sessions/{id}/cancel`: end the session without a result."""

from starlette.responses import Response

from shared.application.authorization import Operation
from shared.domain.commands import Cancel
from shared.http import conditional_changes
from shared.http.request import ApiRequest
from shared.http.request_bodies import EmptyBody
from shared.http.routing import CHANGE_ERRORS, CHANGE_HEADERS, ResponseSpec, Routes
from shared.serverless.http_function import make_http_function

routes = Routes("sessions")


@routes.post(
    "/v1/sessions/{session_id}/cancel",
    ResponseSpec(200, "SessionAnswer", "Cancelled", CHANGE_ERRORS),
    requires=Operation.CANCEL,
    takes=EmptyBody,
    may_be_absent=True,
    headers=CHANGE_HEADERS,
)
async def cancel(request: ApiRequest, _: EmptyBody | None) -> Response:
    """End the session without a result. It must not have ended yet."""
    return await conditional_changes.apply_command(request, Cancel())


handler = make_http_function(routes)
