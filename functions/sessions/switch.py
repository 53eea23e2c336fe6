"""`POST /v1/sessions/{id}/switch`: end the running cycle, begin the next. The hot path."""

from starlette.responses import Response

from shared.application.authorization import Operation
from shared.domain.commands import Switch
from shared.http import conditional_changes
from shared.http.preferences import Return, mark_applied, prefers
from shared.http.rendering import render_switch_result
from shared.http.request import ApiRequest
from shared.http.request_bodies import SwitchBody
from shared.http.routing import (
    CHANGE_ERRORS,
    CHANGE_PARAMETERS,
    PREFER_SESSION,
    ResponseSpec,
    Routes,
)
from shared.serverless.http_function import make_http_function

routes = Routes("sessions")


@routes.post(
    "/v1/sessions/{session_id}/switch",
    ResponseSpec(200, "SwitchOrSessionAnswer", "Switched", CHANGE_ERRORS),
    requires=Operation.SWITCH,
    takes=SwitchBody,
    may_be_absent=True,
    parameters=(*CHANGE_PARAMETERS, PREFER_SESSION),
)
async def switch(request: ApiRequest, body: SwitchBody | None) -> Response:
    """End the running cycle and begin the next.

    Without `next_participant_id` the rotation determines the next participant. With
    `Prefer: return=representation` the answer is the Session instead of the SwitchResult.
    """
    command = body.command() if body else Switch()
    if prefers(request.headers.getlist("prefer"), Return.REPRESENTATION):
        answer = await conditional_changes.apply_command(request, command)
        return mark_applied(answer, Return.REPRESENTATION)
    return await conditional_changes.apply_command(request, command, render_switch_result)


handler = make_http_function(routes)
