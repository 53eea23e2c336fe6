"""`POST /v1/sessions/{id}/tokens`: a token for one participant, or for one who watches."""

from secrets import token_hex

from fastapi import APIRouter, Request, Response

from shared.access.callers import Caller, Role
from shared.access.rights import Operation
from shared.access.tokens import Kind
from shared.domain.errors import UnknownParticipant
from shared.http.answers import json_response, token_fields
from shared.http.bodies import TokenBody
from shared.http.calls import Call, SessionId
from shared.http.gate import gate_of
from shared.http.guard import GuardedJsonRoute, asks_to
from shared.http.openapi import TOKEN_ERRORS, answers
from shared.serverless.http_function import function_of

router = APIRouter(route_class=GuardedJsonRoute, tags=["tokens"])


@router.post(
    "/v1/sessions/{session_id}/tokens",
    status_code=201,
    responses=answers(201, "TokenAnswer", "A fresh token", TOKEN_ERRORS),
)
@asks_to(Operation.MINT_TOKEN)
async def mint(session_id: SessionId, body: TokenBody, request: Request) -> Response:
    """Make a token that is good for this session alone, for at most 24 h.

    It can't be withdrawn: give those who come and go a short one, and a fresh one in time.
    """
    call = Call(request)
    session, _ = await call.session(session_id)
    if body.participant_id and session.find(body.participant_id) is None:
        raise UnknownParticipant(body.participant_id)
    bearer = Caller(
        role=Role(body.role),
        subject=body.participant_id or f"spectator-{token_hex(8)}",
        tenant=session.tenant,
        session_id=session.session_id,
        participant_id=body.participant_id,
    )
    lifetime_s = body.lifetime_ms // 1000
    token, expires_at_s = gate_of(request).mint(Kind.SESSION, bearer, lifetime_s)
    return json_response(token_fields(token, expires_at_s), {"Cache-Control": "no-store"}, 201)


handler = function_of(router)
