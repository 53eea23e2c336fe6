"""`POST .../participants`: add a participant; `PATCH .../participants/{pid}`: adjust a clock."""

from starlette.responses import Response

from shared.access.rights import Operation
from shared.http import changes
from shared.http.answers import joined_session
from shared.http.bodies import AdjustBody
from shared.http.call import Call
from shared.http.creation_bodies import ParticipantBody
from shared.http.routing import CHANGE_ERRORS, CHANGE_HEADERS, Answers, Routes
from shared.serverless.http_function import function_of

routes = Routes("participants")


@routes.post(
    "/v1/sessions/{session_id}/participants",
    Answers(201, "SessionAnswer", "Joined", CHANGE_ERRORS),
    requires=Operation.ADD_PARTICIPANT,
    takes=ParticipantBody,
    headers=CHANGE_HEADERS,
)
async def add_participant(call: Call, body: ParticipantBody) -> Response:
    """Add a participant. The session must not have ended yet."""
    return await changes.apply(call, body.command(), joined_session)


@routes.patch(
    "/v1/sessions/{session_id}/participants/{participant_id}",
    Answers(200, "SessionAnswer", "Adjusted", CHANGE_ERRORS),
    requires=Operation.ADJUST_CLOCK,
    takes=AdjustBody,
    headers=CHANGE_HEADERS,
)
async def adjust_participant(call: Call, body: AdjustBody) -> Response:
    """Set the participant's clock to `total_time_ms` from this instant on."""
    return await changes.apply(call, body.command(call.participant_id))


handler = function_of(routes)
