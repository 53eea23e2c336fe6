"""`POST /v1/sessions/{id}/tokens`: a token for one participant, or for one who watches."""

import time
from secrets import token_hex
from typing import Any

from fastapi import APIRouter, Request, Response

from shared.access.callers import Caller, Role
from shared.access.rights import Operation
from shared.access.tokens import Kind
from shared.domain.errors import UnknownParticipant
from shared.http.answers import json_response, replay_headers, token_fields
from shared.http.bodies import TokenBody
from shared.http.calls import KeyedCall, SessionId
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
async def mint(
    session_id: SessionId, body: TokenBody, request: Request, call: KeyedCall
) -> Response:
    """Make a token that is good for this session alone, for at most 24 h.

    Tokens can't be revoked, so issue short-lived ones and renew them. A retry with the same
    `Idempotency-Key` gets the same token, with the same end.
    """
    session, _ = await call.session(session_id)
    if body.participant_id and session.find(body.participant_id) is None:
        raise UnknownParticipant(body.participant_id)
    gate = gate_of(request)
    gate.require_minting()
    # The token itself is kept nowhere: these are the claims in it that another try would change.
    claims: dict[str, Any] = {
        "sub": body.participant_id or f"spectator-{token_hex(8)}",
        "iat": int(time.time()),
    }
    claims, is_replayed = await call.first_try(session.name, claims)
    bearer = Caller(
        role=Role(body.role),
        subject=claims["sub"],
        tenant=session.tenant,
        session_id=session.session_id,
        participant_id=body.participant_id,
    )
    lifetime_s = body.lifetime_ms // 1000
    token, expires_at_s = gate.mint(Kind.SESSION, bearer, lifetime_s, claims["iat"])
    return json_response(token_fields(token, expires_at_s), replay_headers(is_replayed), 201)


handler = function_of(router)
