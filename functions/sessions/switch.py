"""`POST /v1/sessions/{id}/switch`: end the running cycle, begin the next. The hot path."""

from starlette.responses import Response

from shared.access.rights import Operation
from shared.domain.commands import Switch
from shared.http import changes
from shared.http.answers import switch_result
from shared.http.bodies import SwitchBody
from shared.http.call import Call
from shared.http.routing import CHANGE_ERRORS, CHANGE_HEADERS, Answers, Routes
from shared.serverless.http_function import function_of

routes = Routes("sessions")


@routes.post(
    "/v1/sessions/{session_id}/switch",
    Answers(200, "SwitchAnswer", "Switched", CHANGE_ERRORS),
    requires=Operation.SWITCH,
    takes=SwitchBody,
    may_be_absent=True,
    headers=CHANGE_HEADERS,
)
async def switch(call: Call, body: SwitchBody | None) -> Response:
    """End the running cycle and begin the next.

    Without `next_participant_id` the rotation determines the next participant.
    """
    return await changes.apply(call, body.command() if body else Switch(), switch_result)


handler = function_of(routes)
