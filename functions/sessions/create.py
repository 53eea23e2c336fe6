"""`POST /v1/sessions`: create a session in status `pending`."""

from starlette.responses import Response

from shared.access.rights import Operation
from shared.http import changes
from shared.http.answers import created_session
from shared.http.call import Call
from shared.http.creation_bodies import CreateBody
from shared.http.routing import CREATE_ERRORS, IDEMPOTENCY_KEY, Answers, Routes
from shared.serverless.http_function import function_of

routes = Routes("sessions")


@routes.post(
    "/v1/sessions",
    Answers(201, "SessionAnswer", "Created, in status `pending`", CREATE_ERRORS),
    requires=Operation.CREATE,
    takes=CreateBody,
    headers=(IDEMPOTENCY_KEY,),
)
async def create(call: Call, body: CreateBody) -> Response:
    """Create a session; no clock runs until it is started."""
    return await changes.create(call, body.session_id, body.command, created_session)


handler = function_of(routes)
