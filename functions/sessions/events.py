"""`GET /v1/sessions/{id}/events`: the audit trail of a session."""

from dataclasses import fields
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from shared.access.rights import Operation
from shared.audit.ports import AuditedEvent
from shared.http.answers import json_response
from shared.http.calls import SessionId
from shared.http.fields import MAX_VERSION
from shared.http.gate import permit_of
from shared.http.guard import GuardedRoute, asks_to
from shared.http.openapi import READ_ERRORS, answers
from shared.http.parts import Trail
from shared.representation import timestamp
from shared.serverless.http_function import function_of

_FIELDS = [field.name for field in fields(AuditedEvent)]

router = APIRouter(route_class=GuardedRoute, tags=["history"])


@router.get(
    "/v1/sessions/{session_id}/events",
    responses=answers(200, "AuditTrailAnswer", "A page of the trail", READ_ERRORS),
)
@asks_to(Operation.READ_HISTORY)
async def events(
    session_id: SessionId,
    request: Request,
    trail: Trail,
    after: Annotated[
        int, Query(ge=0, le=MAX_VERSION, description="Only versions above this one")
    ] = 0,
    limit: Annotated[int, Query(ge=1, le=500, description="At most so many")] = 100,
) -> Response:
    """Who did what, when, oldest first. A change is in the trail moments after its answer."""
    page, following = await trail.events(permit_of(request), session_id, after, limit)
    return json_response({"events": [_view(event) for event in page], "next": following})


def _view(event: AuditedEvent) -> dict[str, Any]:
    shown = {name: getattr(event, name) for name in _FIELDS}
    return shown | {"occurred_at": timestamp(event.occurred_at)}


handler = function_of(router)
