"""Routes of commands without fields of their own, of which some may be given ahead of time."""

from starlette.responses import Response

from shared.application.authorization import Operation
from shared.domain.commands import Command, SchedulableCommand, at_instant
from shared.http import conditional_changes
from shared.http.request import ApiRequest
from shared.http.request_bodies import EmptyBody
from shared.http.routing import CHANGE_ERRORS, CHANGE_PARAMETERS, ResponseSpec, Routes
from shared.http.scheduling_bodies import AheadBody


def command_routes(command: Command, requires: Operation, result: str, summary: str) -> Routes:
    """Return the route `POST /v1/sessions/{session_id}/<operation>`, which applies `command`.

    `result` and `summary` describe the response and the endpoint in the OpenAPI document.
    """
    routes = Routes("sessions")

    async def apply(request: ApiRequest, body: AheadBody | EmptyBody | None) -> Response:
        given = command
        if isinstance(command, SchedulableCommand) and isinstance(body, AheadBody):
            given = at_instant(command, body.effective_at)
        return await conditional_changes.apply_command(request, given)

    apply.__name__, apply.__doc__ = requires.value, summary
    routes.post(
        f"/v1/sessions/{{session_id}}/{requires}",
        ResponseSpec(200, "SessionAnswer", result, CHANGE_ERRORS),
        requires=requires,
        takes=AheadBody if isinstance(command, SchedulableCommand) else EmptyBody,
        may_be_absent=True,
        parameters=CHANGE_PARAMETERS,
    )(apply)
    return routes
