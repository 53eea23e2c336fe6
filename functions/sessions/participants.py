"""`POST .../participants` adds a participant, `PATCH .../participants/{pid}` adjusts a clock."""

from fastapi import APIRouter, Response

from shared.http.answers import joined_session, whole_session
from shared.http.bodies import AdjustBody
from shared.http.calls import Change, ParticipantId, SessionId
from shared.http.creation_bodies import ParticipantBody
from shared.http.json_route import JsonRoute
from shared.http.openapi import CHANGE_ERRORS, answers
from shared.serverless.http_function import function_of

router = APIRouter(route_class=JsonRoute, tags=["participants"])


@router.post(
    "/v1/sessions/{session_id}/participants",
    status_code=201,
    responses=answers(201, "SessionAnswer", "Joined", CHANGE_ERRORS),
)
async def add_participant(session_id: SessionId, body: ParticipantBody, call: Change) -> Response:
    """Let one more take part, in any status that has not ended the session."""
    return await call.apply(session_id, body.command(), joined_session)


@router.patch(
    "/v1/sessions/{session_id}/participants/{participant_id}",
    responses=answers(200, "SessionAnswer", "Adjusted", CHANGE_ERRORS),
)
async def adjust_participant(
    session_id: SessionId, participant_id: ParticipantId, body: AdjustBody, call: Change
) -> Response:
    """Make the participant's clock read `total_time_ms` from this instant on."""
    return await call.apply(session_id, body.command(participant_id), whole_session)


handler = function_of(router)
