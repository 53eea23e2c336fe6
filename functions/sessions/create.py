"""`POST /v1/sessions`: create a session, pending."""

from fastapi import APIRouter, Response

from shared.access.rights import Operation
from shared.http.answers import created_session
from shared.http.calls import KeyedCall
from shared.http.creation_bodies import CreateBody
from shared.http.guard import GuardedJsonRoute, asks_to
from shared.http.openapi import CREATE_ERRORS, answers
from shared.serverless.http_function import function_of

router = APIRouter(route_class=GuardedJsonRoute, tags=["sessions"])


@router.post(
    "/v1/sessions",
    status_code=201,
    responses=answers(201, "SessionAnswer", "Created, pending", CREATE_ERRORS),
)
@asks_to(Operation.CREATE)
async def create(call: KeyedCall, body: CreateBody) -> Response:
    """Create a session; nothing runs until it is started."""
    return await call.create(body.session_id, body.command, created_session)


handler = function_of(router)
