"""`GET /v1/sessions/{id}/replay`: the state of a session at a past version or instant."""

from typing import Annotated

from pydantic import BaseModel, Field
from starlette.responses import Response

from shared.application.authorization import Operation
from shared.application.session_view import encode_session_view
from shared.domain.errors import RuleViolation, Violation
from shared.domain.units import Instant
from shared.http.fields import MAX_VERSION, Timestamp
from shared.http.rendering import session_response
from shared.http.request import ApiRequest
from shared.http.routing import IF_NONE_MATCH, NOT_MODIFIED, READ_ERRORS, ResponseSpec, Routes
from shared.serverless.http_function import make_http_function

routes = Routes("history")


class ReplayQuery(BaseModel):
    """Either `version` or `at`."""

    version: Annotated[
        int | None, Field(ge=1, le=MAX_VERSION, description="The state after this version's change")
    ] = None
    at: Annotated[
        Timestamp | None,
        Field(description="The state at this instant: ISO 8601, or ms since 1970"),
    ] = None


@routes.get(
    "/v1/sessions/{session_id}/replay",
    ResponseSpec(200, "SessionAnswer", "The session at that time", READ_ERRORS),
    NOT_MODIFIED,
    requires=Operation.READ_HISTORY,
    takes=ReplayQuery,
    parameters=(IF_NONE_MATCH,),
)
async def replay(request: ApiRequest, query: ReplayQuery) -> Response:
    """Return the answer that a read would have given then, `server_time_ms` included.

    Give either `version` or `at`.
    """
    history, version, at = request.components.history, query.version, query.at
    if version is not None and at is None:
        session, then = await history.at_version(request.authorization, request.session_id, version)
    elif at is not None and version is None:
        session, then = await history.at_instant(
            request.authorization, request.session_id, Instant(at)
        )
    else:
        message = "is required, or `at` in its place; not both"
        raise RuleViolation(Violation("version", message, "one_of_two"))
    return session_response(request, session, lambda: encode_session_view(session, then))


handler = make_http_function(routes)
