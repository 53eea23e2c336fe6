"""Routes of commands that have no fields: start, pause, resume, complete and cancel."""

from starlette.responses import Response

from shared.application.authorization import Operation
from shared.domain.commands import Command
from shared.http import conditional_changes
from shared.http.request import ApiRequest
from shared.http.request_bodies import EmptyBody
from shared.http.routing import CHANGE_ERRORS, CHANGE_PARAMETERS, ResponseSpec, Routes


def command_routes(command: Command, requires: Operation, result: str, summary: str) -> Routes:
    """Return the route `POST /v1/sessions/{session_id}/<operation>`, which applies `command`.

    `result` and `summary` describe the response and the endpoint in the OpenAPI document.
    """
    routes = Routes("sessions")

    async def apply(request: ApiRequest, _: EmptyBody | None) -> Response:
        return await conditional_changes.apply_command(request, command)

    apply.__name__, apply.__doc__ = requires.value, summary
    routes.post(
        f"/v1/sessions/{{session_id}}/{requires}",
        ResponseSpec(200, "SessionAnswer", result, CHANGE_ERRORS),
        requires=requires,
        takes=EmptyBody,
        may_be_absent=True,
        parameters=CHANGE_PARAMETERS,
    )(apply)
    return routes
