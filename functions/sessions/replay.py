"""`GET /v1/sessions/{id}/replay`: a session as it stood at a version or an instant."""

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
    """One of the two."""

    version: Annotated[
        int | None, Field(ge=1, le=MAX_VERSION, description="As this version left it")
    ] = None
    at: Annotated[
        Timestamp | None,
        Field(description="As a read at this instant showed it: ISO 8601, or ms since 1970"),
    ] = None


@routes.get(
    "/v1/sessions/{session_id}/replay",
    Answers(200, "SessionAnswer", "The session as it stood", READ_ERRORS),
    NOT_MODIFIED,
    requires=Operation.READ_HISTORY,
    takes=ReplayQuery,
    headers=(IF_NONE_MATCH,),
)
async def replay(call: Call, query: ReplayQuery) -> Response:
    """What a read answered then, `server_time_ms` included; say `version` or `at`, not both."""
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
