"""`GET /v1/sessions/{id}/replay`: the state of a session at a past version or instant."""

from typing import Annotated

from pydantic import BaseModel, Field
from starlette.responses import Response

from shared.access.rights import Operation
from shared.domain.errors import RuleViolation, Violation
from shared.domain.units import Instant
from shared.http.answers import shown_session
from shared.http.call import Call
from shared.http.fields import MAX_VERSION, Timestamp
from shared.http.routing import IF_NONE_MATCH, NOT_MODIFIED, READ_ERRORS, Answers, Routes
from shared.representation import encoded_view
from shared.serverless.http_function import function_of

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
    Answers(200, "SessionAnswer", "The session at that time", READ_ERRORS),
    NOT_MODIFIED,
    requires=Operation.READ_HISTORY,
    takes=ReplayQuery,
    headers=(IF_NONE_MATCH,),
)
async def replay(call: Call, query: ReplayQuery) -> Response:
    """Return the answer that a read would have given then, `server_time_ms` included.

    Give either `version` or `at`.
    """
    history, version, at = call.parts.history, query.version, query.at
    if version is not None and at is None:
        session, then = await history.at_version(call.permit, call.session_id, version)
    elif at is not None and version is None:
        session, then = await history.at_instant(call.permit, call.session_id, Instant(at))
    else:
        message = "is required, or `at` in its place; not both"
        raise RuleViolation(Violation("version", message, "one_of_two"))
    return shown_session(call, session, lambda: encoded_view(session, then))


handler = function_of(routes)
