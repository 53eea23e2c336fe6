"""`GET /v1/sessions/{id}/events`: the audit trail of a session."""

from dataclasses import fields
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field
from starlette.responses import Response

from shared.application.authorization import Operation
from shared.application.ports.audit_log import AuditedEvent
from shared.application.session_view import timestamp
from shared.domain.events import EventType
from shared.http.fields import MAX_VERSION
from shared.http.rendering import json_response
from shared.http.request import ApiRequest
from shared.http.routing import READ_ERRORS, ResponseSpec, Routes
from shared.serverless.http_function import make_http_function

_FIELDS = [field.name for field in fields(AuditedEvent)]

routes = Routes("history")


class EventsQuery(BaseModel):
    """Which events of the audit trail to return, and in which order."""

    type: Annotated[EventType | None, Field(description="Only events of this type")] = None
    order: Annotated[
        Literal["asc", "desc"], Field(description="`asc`: oldest first, `desc`: newest first")
    ] = "asc"
    after: Annotated[
        int | None,
        Field(
            ge=0,
            le=MAX_VERSION,
            description="Only events of versions above this one; with `desc`, below it",
        ),
    ] = None
    limit: Annotated[int, Field(ge=1, le=500, description="Maximum number of events")] = 100


@routes.get(
    "/v1/sessions/{session_id}/events",
    ResponseSpec(200, "AuditTrailAnswer", "A page of the audit trail", READ_ERRORS),
    requires=Operation.READ_HISTORY,
    takes=EventsQuery,
)
async def events(request: ApiRequest, query: EventsQuery) -> Response:
    """Return the audit events of the session, oldest first unless `order` is `desc`.

    `next` is the `after` of the next page, or null at the end. The event of a change appears
    shortly after the change was answered.
    """
    page, following = await request.components.history.events(
        request.authorization,
        request.session_id,
        query.after,
        query.limit,
        event=query.type,
        newest_first=query.order == "desc",
    )
    return json_response({"events": [_view(event) for event in page], "next": following})


def _view(event: AuditedEvent) -> dict[str, Any]:
    shown = {name: getattr(event, name) for name in _FIELDS}
    return shown | {"occurred_at": timestamp(event.occurred_at)}


handler = make_http_function(routes)
