"""`POST /v1/sessions`: create a session in status `pending`."""

from starlette.responses import Response

from shared.application.authorization import Operation
from shared.http import conditional_changes
from shared.http.creation_bodies import CreateBody
from shared.http.rendering import render_created_session
from shared.http.request import ApiRequest
from shared.http.routing import CREATE_ERRORS, DRY_RUN, IDEMPOTENCY_KEY, ResponseSpec, Routes
from shared.serverless.http_function import make_http_function

routes = Routes("sessions")


@routes.post(
    "/v1/sessions",
    ResponseSpec(201, "SessionAnswer", "Created, in status `pending`", CREATE_ERRORS),
    requires=Operation.CREATE,
    takes=CreateBody,
    parameters=(IDEMPOTENCY_KEY, DRY_RUN),
)
async def create(request: ApiRequest, body: CreateBody) -> Response:
    """Create a session; no clock runs until it is started."""
    return await conditional_changes.create_session(
        request, body.session_id, body.command, render_created_session
    )


handler = make_http_function(routes)
