"""`POST /v1/sessions`: create a session, pending."""

from fastapi import APIRouter, Response

from shared.http.answers import created_session
from shared.http.calls import Change
from shared.http.creation_bodies import CreateBody
from shared.http.json_route import JsonRoute
from shared.http.openapi import CREATE_ERRORS, answers
from shared.serverless.http_function import function_of

router = APIRouter(route_class=JsonRoute, tags=["sessions"])


@router.post(
    "/v1/sessions",
    status_code=201,
    responses=answers(201, "SessionAnswer", "Created, pending", CREATE_ERRORS),
)
async def create(call: Change, body: CreateBody) -> Response:
    """Create a session; nothing runs until it is started."""
    return await call.create(body.session_id, body.command, created_session)


handler = function_of(router)
