"""`POST /v1/sessions/{id}/resume`: `paused` -> `running`."""

from starlette.responses import Response

from shared.application.authorization import Operation
from shared.domain.commands import Resume
from shared.http import conditional_changes
from shared.http.request import ApiRequest
from shared.http.request_bodies import EmptyBody
from shared.http.routing import CHANGE_ERRORS, CHANGE_HEADERS, ResponseSpec, Routes
from shared.serverless.http_function import make_http_function

routes = Routes("sessions")


@routes.post(
    "/v1/sessions/{session_id}/resume",
    ResponseSpec(200, "SessionAnswer", "Running again", CHANGE_ERRORS),
    requires=Operation.RESUME,
    takes=EmptyBody,
    may_be_absent=True,
    headers=CHANGE_HEADERS,
)
async def resume(request: ApiRequest, _: EmptyBody | None) -> Response:
    """Continue the clocks that the pause stopped."""
    return await conditional_changes.apply_command(request, Resume())


handler = make_http_function(routes)
