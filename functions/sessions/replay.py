"""`GET /v1/sessions/{id}/replay`: a session as it stood at a version or an instant."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from shared.access.rights import Operation
from shared.domain.errors import RuleViolation, Violation
from shared.domain.units import Instant
from shared.http.answers import shown_session
from shared.http.calls import IfNoneMatch, SessionId
from shared.http.fields import MAX_VERSION, Timestamp
from shared.http.gate import permit_of
from shared.http.guard import GuardedRoute, asks_to
from shared.http.openapi import NOT_MODIFIED, READ_ERRORS, answers
from shared.http.parts import Trail
from shared.representation import session_view
from shared.serverless.http_function import function_of

router = APIRouter(route_class=GuardedRoute, tags=["history"])


@router.get(
    "/v1/sessions/{session_id}/replay",
    responses=answers(200, "SessionAnswer", "The session as it stood", READ_ERRORS) | NOT_MODIFIED,
)
@asks_to(Operation.READ_HISTORY)
async def replay(
    session_id: SessionId,
    request: Request,
    trail: Trail,
    version: Annotated[
        int | None, Query(ge=1, le=MAX_VERSION, description="As this version left it")
    ] = None,
    at: Annotated[
        Timestamp | None,
        Query(description="As a read at this instant showed it: ISO 8601, or ms since 1970"),
    ] = None,
    _: IfNoneMatch = None,
) -> Response:
    """What a read answered then, `server_time_ms` included; say `version` or `at`, not both."""
    if version is not None and at is None:
        session, then = await trail.at_version(permit_of(request), session_id, version)
    elif at is not None and version is None:
        session, then = await trail.at_instant(permit_of(request), session_id, Instant(at))
    else:
        message = "is required, or `at` in its place; not both"
        raise RuleViolation(Violation("version", message, "one_of_two"))
    return shown_session(request, session, lambda: session_view(session, then))


handler = function_of(router)
