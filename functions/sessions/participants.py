"""Participants: add, update and remove them, let one forfeit, and clocks of `individual`."""

from collections.abc import Callable
from functools import partial

from starlette.responses import Response

from shared.application.authorization import Operation
from shared.domain.commands import (
    BeginParticipants,
    Command,
    FinishParticipant,
    Forfeit,
    PauseParticipant,
    RemoveParticipant,
    ReopenParticipant,
    ResumeParticipant,
)
from shared.http import conditional_changes
from shared.http.creation_bodies import NewcomerBody
from shared.http.preferences import Return, mark_applied, prefers
from shared.http.rendering import render_participant, render_session
from shared.http.request import ApiRequest
from shared.http.request_bodies import Body, EmptyBody, ReasonBody, UpdateParticipantBody
from shared.http.routing import (
    CHANGE_ERRORS,
    CHANGE_PARAMETERS,
    PREFER_PARTICIPANT,
    ResponseSpec,
    Routes,
)
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


def _declare_action(
    name: str,
    result: str,
    requires: Operation,
    command: Callable[[str, str | None], Command],
    summary: str,
    takes: type[Body] = ReasonBody,
    *,
    is_individual: bool = True,
) -> None:
    """Declare `POST .../<first word of name>`, which applies `command` to the participant.

    `command` gets the participant's id and the reason, if any. `result` and `summary` describe the
    response and the endpoint in the OpenAPI document. Commands that only `individual` has may be
    answered with the participant alone.
    """

    async def act(request: ApiRequest, body: Body | None) -> Response:
        who, reason = request.participant_id, body.reason if isinstance(body, ReasonBody) else None
        if is_individual and prefers(request.headers.getlist("prefer"), Return.MINIMAL):
            render = partial(render_participant, participant_id=who)
            answer = await conditional_changes.apply_command(request, command(who, reason), render)
            return mark_applied(answer, Return.MINIMAL)
        return await conditional_changes.apply_command(request, command(who, reason))

    act.__name__, act.__doc__ = name, summary
    result_model = "SessionOrParticipantAnswer" if is_individual else "SessionAnswer"
    routes.post(
        f"{_PARTICIPANT}/{name.partition('_')[0]}",
        ResponseSpec(200, result_model, result, CHANGE_ERRORS),
        requires=requires,
        takes=takes,
        may_be_absent=True,
        parameters=(*CHANGE_PARAMETERS, PREFER_PARTICIPANT) if is_individual else CHANGE_PARAMETERS,
    )(act)


_declare_action(
    "forfeit",
    "Forfeited",
    Operation.FORFEIT,
    Forfeit,
    "Let the flag of the participant, or of its group, fall now.\n\n"
    "In `individual` the participant is closed without a finish.",
    is_individual=False,
)
_declare_action(
    "begin_participant",
    "Begun",
    Operation.BEGIN,
    lambda participant_id, _: BeginParticipants((participant_id,)),
    "Let the participant's clock run from now on. The session must be running.",
    EmptyBody,
)
_declare_action(
    "finish_participant",
    "Finished",
    Operation.FINISH,
    lambda participant_id, _: FinishParticipant(participant_id),
    "Record that the participant has finished now; in the grace period, also how late.",
    EmptyBody,
)
_declare_action(
    "reopen_participant",
    "Reopened",
    Operation.REOPEN_PARTICIPANT,
    ReopenParticipant,
    "Undo that the participant finished or was closed, as if it had not been.",
)
_declare_action(
    "pause_participant",
    "Paused",
    Operation.PAUSE_PARTICIPANT,
    PauseParticipant,
    "Stop the clock of this participant only.",
)
_declare_action(
    "resume_participant",
    "Resumed",
    Operation.RESUME_PARTICIPANT,
    ResumeParticipant,
    "Let the clock of this participant run again.",
)

handler = make_http_function(routes)
