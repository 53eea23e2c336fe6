"""`GET /v1/sessions/{id}/events`: the audit trail of a session."""

from dataclasses import fields
from typing import Annotated, Any

from pydantic import BaseModel, Field
from starlette.responses import Response

from shared.access.rights import Operation
from shared.audit.ports import AuditedEvent
from shared.http.answers import json_response
from shared.http.call import Call
from shared.http.fields import MAX_VERSION
from shared.http.routing import READ_ERRORS, Answers, Routes
from shared.representation import timestamp
from shared.serverless.http_function import function_of

_FIELDS = [field.name for field in fields(AuditedEvent)]

routes = Routes("history")


class EventsQuery(BaseModel):
    """Pagination of the audit trail."""

    after: Annotated[
        int, Field(ge=0, le=MAX_VERSION, description="Only events of versions above this one")
    ] = 0
    limit: Annotated[int, Field(ge=1, le=500, description="Maximum number of events")] = 100


@routes.get(
    "/v1/sessions/{session_id}/events",
    Answers(200, "AuditTrailAnswer", "A page of the audit trail", READ_ERRORS),
    requires=Operation.READ_HISTORY,
    takes=EventsQuery,
)
async def events(call: Call, query: EventsQuery) -> Response:
    """Return the audit events of the session, oldest first.

    The event of a change appears shortly after the change was answered.
    """
    page, following = await call.parts.history.events(
        call.permit, call.session_id, query.after, query.limit
    )
    return json_response({"events": [_view(event) for event in page], "next": following})


def _view(event: AuditedEvent) -> dict[str, Any]:
    shown = {name: getattr(event, name) for name in _FIELDS}
    return shown | {"occurred_at": timestamp(event.occurred_at)}


handler = function_of(routes)
