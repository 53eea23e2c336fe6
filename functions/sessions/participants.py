"""`POST .../participants` adds a participant, `PATCH .../participants/{pid}` adjusts a clock."""

from fastapi import APIRouter, Response

from shared.access.rights import Operation
from shared.http.answers import joined_session, whole_session
from shared.http.bodies import AdjustBody
from shared.http.calls import Change, ParticipantId, SessionId
from shared.http.creation_bodies import ParticipantBody
from shared.http.guard import GuardedJsonRoute, asks_to
from shared.http.openapi import CHANGE_ERRORS, answers
from shared.serverless.http_function import function_of

router = APIRouter(route_class=GuardedJsonRoute, tags=["participants"])


@router.post(
    "/v1/sessions/{session_id}/participants",
    status_code=201,
    responses=answers(201, "SessionAnswer", "Joined", CHANGE_ERRORS),
)
@asks_to(Operation.ADD_PARTICIPANT)
async def add_participant(session_id: SessionId, body: ParticipantBody, call: Change) -> Response:
    """Let one more take part, in any status that has not ended the session."""
    return await call.apply(session_id, body.command(), joined_session)


@router.patch(
    "/v1/sessions/{session_id}/participants/{participant_id}",
    responses=answers(200, "SessionAnswer", "Adjusted", CHANGE_ERRORS),
)
@asks_to(Operation.ADJUST_CLOCK)
async def adjust_participant(
    session_id: SessionId, participant_id: ParticipantId, body: AdjustBody, call: Change
) -> Response:
    """Make the participant's clock read `total_time_ms` from this instant on."""
    return await call.apply(session_id, body.command(participant_id), whole_session)


handler = function_of(router)
