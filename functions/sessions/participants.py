"""Participants: add, update and remove them, let one forfeit, and clocks of `individual`."""

from functools import partial

from starlette.responses import Response

from shared.application.authorization import Operation
from shared.domain.commands import BeginParticipants, FinishParticipant, RemoveParticipant
from shared.http import conditional_changes
from shared.http.creation_bodies import NewcomerBody
from shared.http.individual_bodies import ReasonBody
from shared.http.rendering import render_session
from shared.http.request import ApiRequest
from shared.http.request_bodies import EmptyBody, ForfeitBody, UpdateParticipantBody
from shared.http.routing import CHANGE_ERRORS, CHANGE_PARAMETERS, ResponseSpec, Routes
from shared.serverless.http_function import make_http_function

routes = Routes("participants")


@routes.post(
    "/v1/sessions/{session_id}/participants",
    ResponseSpec(201, "SessionAnswer", "Joined", CHANGE_ERRORS),
    requires=Operation.ADD_PARTICIPANT,
    takes=NewcomerBody,
    parameters=CHANGE_PARAMETERS,
)
async def add_participant(request: ApiRequest, body: NewcomerBody) -> Response:
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
    """Let the flag of the participant, or of its group, fall now.

    In `individual` the participant is closed without a finish.
    """
    return await conditional_changes.apply_command(
        request, (body or ForfeitBody()).command(request.participant_id)
    )


@routes.post(
    f"{_PARTICIPANT}/begin",
    ResponseSpec(200, "SessionAnswer", "Begun", CHANGE_ERRORS),
    requires=Operation.BEGIN,
    takes=EmptyBody,
    may_be_absent=True,
    parameters=CHANGE_PARAMETERS,
)
async def begin_participant(request: ApiRequest, _: EmptyBody | None) -> Response:
    """Let the participant's clock run from now on. The session must be running."""
    command = BeginParticipants((request.participant_id,))
    return await conditional_changes.apply_command(request, command)


@routes.post(
    f"{_PARTICIPANT}/finish",
    ResponseSpec(200, "SessionAnswer", "Finished", CHANGE_ERRORS),
    requires=Operation.FINISH,
    takes=EmptyBody,
    may_be_absent=True,
    parameters=CHANGE_PARAMETERS,
)
async def finish_participant(request: ApiRequest, _: EmptyBody | None) -> Response:
    """Record that the participant has finished now; in the grace period, also how late."""
    command = FinishParticipant(request.participant_id)
    return await conditional_changes.apply_command(request, command)


@routes.post(
    f"{_PARTICIPANT}/reopen",
    ResponseSpec(200, "SessionAnswer", "Reopened", CHANGE_ERRORS),
    requires=Operation.REOPEN_PARTICIPANT,
    takes=ReasonBody,
    may_be_absent=True,
    parameters=CHANGE_PARAMETERS,
)
async def reopen_participant(request: ApiRequest, body: ReasonBody | None) -> Response:
    """Undo that the participant finished or was closed, as if it had not been."""
    command = (body or ReasonBody()).reopen(request.participant_id)
    return await conditional_changes.apply_command(request, command)


@routes.post(
    f"{_PARTICIPANT}/pause",
    ResponseSpec(200, "SessionAnswer", "Paused", CHANGE_ERRORS),
    requires=Operation.PAUSE_PARTICIPANT,
    takes=ReasonBody,
    may_be_absent=True,
    parameters=CHANGE_PARAMETERS,
)
async def pause_participant(request: ApiRequest, body: ReasonBody | None) -> Response:
    """Stop the clock of this participant only."""
    command = (body or ReasonBody()).pause(request.participant_id)
    return await conditional_changes.apply_command(request, command)


@routes.post(
    f"{_PARTICIPANT}/resume",
    ResponseSpec(200, "SessionAnswer", "Resumed", CHANGE_ERRORS),
    requires=Operation.RESUME_PARTICIPANT,
    takes=ReasonBody,
    may_be_absent=True,
    parameters=CHANGE_PARAMETERS,
)
async def resume_participant(request: ApiRequest, body: ReasonBody | None) -> Response:
    """Let the clock of this participant run again."""
    command = (body or ReasonBody()).resume(request.participant_id)
    return await conditional_changes.apply_command(request, command)


handler = make_http_function(routes)
