"""Participants: add, update and remove them, and let one forfeit."""

from functools import partial

from starlette.responses import Response

from shared.application.authorization import Operation
from shared.domain.commands import RemoveParticipant
from shared.http import conditional_changes
from shared.http.creation_bodies import ParticipantBody
from shared.http.rendering import render_session
from shared.http.request import ApiRequest
from shared.http.request_bodies import ForfeitBody, UpdateParticipantBody
from shared.http.routing import CHANGE_ERRORS, CHANGE_PARAMETERS, ResponseSpec, Routes
from shared.serverless.http_function import make_http_function

routes = Routes("participants")


@routes.post(
    "/v1/sessions/{session_id}/participants",
    ResponseSpec(201, "SessionAnswer", "Joined", CHANGE_ERRORS),
    requires=Operation.ADD_PARTICIPANT,
    takes=ParticipantBody,
    parameters=CHANGE_PARAMETERS,
)
async def add_participant(request: ApiRequest, body: ParticipantBody) -> Response:
    """Add a participant. The session must not have ended yet."""
    render = partial(render_session, status=201)
    return await conditional_changes.apply_command(request, body.command(), render)


_PARTICIPANT = "/v1/sessions/{session_id}/participants/{participant_id}"


@routes.patch(
    _PARTICIPANT,
    ResponseSpec(200, "SessionAnswer", "Updated", CHANGE_ERRORS),
    requires=Operation.ADJUST_CLOCK,
    takes=UpdateParticipantBody,
    parameters=CHANGE_PARAMETERS,
)
async def update_participant(request: ApiRequest, body: UpdateParticipantBody) -> Response:
    """Set the participant's clock, its name, or whether it takes turns, from this instant on."""
    return await conditional_changes.apply_command(request, body.command(request.participant_id))


@routes.delete(
    _PARTICIPANT,
    ResponseSpec(200, "SessionAnswer", "Removed", CHANGE_ERRORS),
    requires=Operation.REMOVE_PARTICIPANT,
    parameters=CHANGE_PARAMETERS,
)
async def remove_participant(request: ApiRequest) -> Response:
    """Remove a participant, who must not have the running or paused cycle."""
    return await conditional_changes.apply_command(
        request, RemoveParticipant(request.participant_id)
    )


@routes.post(
    f"{_PARTICIPANT}/forfeit",
    ResponseSpec(200, "SessionAnswer", "Forfeited", CHANGE_ERRORS),
    requires=Operation.FORFEIT,
    takes=ForfeitBody,
    may_be_absent=True,
    parameters=CHANGE_PARAMETERS,
)
async def forfeit(request: ApiRequest, body: ForfeitBody | None) -> Response:
    """Let the flag of the participant, or of its group, fall now."""
    return await conditional_changes.apply_command(
        request, (body or ForfeitBody()).command(request.participant_id)
    )


handler = make_http_function(routes)
