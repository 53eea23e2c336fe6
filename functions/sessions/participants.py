"""`POST .../participants`: add a participant; `PATCH .../participants/{pid}`: adjust a clock."""

from functools import partial

from starlette.responses import Response

from shared.application.authorization import Operation
from shared.http import conditional_changes
from shared.http.creation_bodies import ParticipantBody
from shared.http.rendering import render_session
from shared.http.request import ApiRequest
from shared.http.request_bodies import AdjustBody
from shared.http.routing import CHANGE_ERRORS, CHANGE_HEADERS, ResponseSpec, Routes
from shared.serverless.http_function import make_http_function

routes = Routes("participants")


@routes.post(
    "/v1/sessions/{session_id}/participants",
    ResponseSpec(201, "SessionAnswer", "Joined", CHANGE_ERRORS),
    requires=Operation.ADD_PARTICIPANT,
    takes=ParticipantBody,
    headers=CHANGE_HEADERS,
)
async def add_participant(request: ApiRequest, body: ParticipantBody) -> Response:
    """Add a participant. The session must not have ended yet."""
    render = partial(render_session, status=201)
    return await conditional_changes.apply_command(request, body.command(), render)


@routes.patch(
    "/v1/sessions/{session_id}/participants/{participant_id}",
    ResponseSpec(200, "SessionAnswer", "Adjusted", CHANGE_ERRORS),
    requires=Operation.ADJUST_CLOCK,
    takes=AdjustBody,
    headers=CHANGE_HEADERS,
)
async def adjust_participant(request: ApiRequest, body: AdjustBody) -> Response:
    """Set the participant's clock to `total_time_ms` from this instant on."""
    return await conditional_changes.apply_command(request, body.command(request.participant_id))


handler = make_http_function(routes)
